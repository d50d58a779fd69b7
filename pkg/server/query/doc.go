// Package query reads what a request asks for in its address: filters, and which page of which list. What is wrong is a problem that names
// the parameter.
package query
