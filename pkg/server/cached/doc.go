// Package cached holds a row of every RestoreTest, RestoreReport and HealthCheckPolicy of a cluster: what lists tell of each, and no more.
//
// What informers see becomes a row as it arrives, because 30,000 reports are hundreds of megabytes as objects and some as rows. A View is
// all rows at one moment, in order, and made anew when somebody asks after a change. The rows are everybody's: nobody changes one, and
// who may see which is for readers to find out.
package cached
