// Package caller finds out who asks the API, and what they may.
//
// Both the API server says: whose a token is (TokenReview), and what they may do (SubjectAccessReview), for exactly the verb, resource,
// namespace and name that are asked about. Its answers are remembered for some seconds, and for some minutes while it cannot be
// reached. Callers that ask the same at the same time share one question, and wrong tokens cost it a bounded number of them.
//
// A token comes in a header, or in the cookie of a browser: then what changes something takes what only a page of this origin sends.
// A server that somebody runs for themselves has one caller, whose rights are its own, and takes no token.
package caller
