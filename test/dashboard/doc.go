// Package dashboard shows the dashboard in a real browser, before the real API on a real API server that holds the tests and reports
// of a company. Program serve does the same for people.
package dashboard
