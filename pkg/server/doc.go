// Package server answers, over HTTP, what restore tests and reports there are, to callers who may see them.
//
// Who a caller is, and what they may see, the API server says, for exactly the verb, resource, namespace and name of each answer:
// see package caller. Lists hold only what is in namespaces that the caller may list, counts and averages included. Nothing is asked
// for with the rights of this program before the caller's were looked at, and nothing is written with them: what changes something
// is asked for with the caller's own token.
//
// A server that somebody runs for themselves (Self) has one caller, whose rights are its own: it asks with them, and what they do not
// let it do it says, as to any other.
//
// Lists are answered from rows (package cached). One test or report as a whole is one live GET. Rows that change are events of streams.
//
// The table of operations is what is served and what the OpenAPI document is made from, see package openapi.
package server
