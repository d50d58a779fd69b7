// kymaros-canary finds out whether the network plugin enforces NetworkPolicies, and says so by being ready or not.
package main

import (
	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-canary/app"
)

func main() { process.Main("kymaros-canary", app.Main) }
