// Package notify tells people and programs of the runs of restore tests. It knows how each kind of receiver is spoken to, and
// nothing of Kubernetes: a caller hands it a Message, and a Channel with the contents of the Secret, and learns whether the message
// arrived, whether trying again may help, and when.
//
// Every receiver gets the same facts. What an application or a backup wrote is told as text, whatever it holds: it cannot mention
// everybody, give a link another face, add a header or hide what follows.
//
// Addresses are written by whoever writes the Secret of a test, so one guarded HTTP client asks all of them:
//
//   - It connects to no private, loopback or link-local address, judged after the name was resolved, unless an administrator allows
//     that prefix. Plain HTTP is spoken only to addresses that were allowed so: it is meant for receivers in the cluster.
//   - It follows no redirect, uses no proxy that an administrator has not named, reads no answer beyond its headers, and gives up
//     after ten seconds.
//   - What it says of a failure holds no address, no secret and no word of the answer.
//
// Mail goes through one relay, which an administrator names; a test names recipients only.
//
// A Message keeps its ID when it is sent again: webhook-id and ce-id, the Message-ID of a mail, the transaction of Matrix. PagerDuty
// and Opsgenie get one key for each test, and so keep one incident for it until it recovers. Chats know no such thing: a message
// whose answer was lost may appear there twice.
package notify
