// Package dashboard serves the pages that show in a browser what the API tells. All that they are made of is in this program: a
// browser fetches nothing from elsewhere, and may not.
//
// The sources are in web/, and what hack/update-dashboard.sh makes of them in assets/, so that building needs Go alone. The pages
// have no rights of their own: they ask the API with the token of whoever looks at them, which they keep in memory only.
package dashboard
