// Package streams tells of changes to whoever waits for them, as server-sent events. A Hub holds the last changes, so that a stream that
// broke off goes on where it was, and bounds how many streams there are; a Writer writes to one connection. Who may be told of which
// change is for their user to find out.
package streams
