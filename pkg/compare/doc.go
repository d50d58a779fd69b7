// Package compare tells what differs between two reports: what is new, gone, worse, slower. What cannot be compared, because the two
// runs did not look at the same, is called incomparable and never a regression. It is pure.
package compare
