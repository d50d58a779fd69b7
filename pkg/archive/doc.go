// Package archive writes every report once to where it outlives the cluster: a directory, or a bucket.
//
// What is there already follows from the names of the objects alone: each holds the number of the report and the digest of the bytes.
// So a process that was restarted lists the names of each test once, and reads and writes nothing of what is there. An object is never
// overwritten, and never removed: one that is another than the cluster's is told, and so is a report that went before it was written.
//
// It writes nothing in the cluster. No run waits for it.
package archive
