// Package fence finds out whether the admission policies of manifests/fence are in force, as they were shipped.
//
// It looks twice. What the controller itself may not write it tries to write, as a dry run: each try must be refused by the
// policy that is there for it. Policies for others, Velero above all, cannot be tried so: the controller is not they. So every
// policy and binding is also read and compared with the one that is built into the program.
package fence
