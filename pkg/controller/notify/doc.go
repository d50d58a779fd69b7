// Package notify tells people how tests ended. It writes Notified.
//
// What is to be told follows from the status of a test and from what status.notifications says was told before. A delivery is written
// there before it is sent, and its outcome after: so it is sent at least once, wherever the process dies, and twice only if it dies
// between the two, then with the same id.
//
// Every receiver has a lane of its own, in which one request is made at a time: one that is slow or dead delays nobody else. What was
// tried before does not take the places of what was not.
package notify
