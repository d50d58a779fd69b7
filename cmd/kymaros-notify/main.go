// kymaros-notify tells people how restore tests ended. It alone speaks to addresses outside of the cluster.
package main

import (
	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-notify/app"
)

func main() { process.Main("kymaros-notify", app.Main) }
