// kymaros-archive writes every report once to where it outlives the cluster.
package main

import (
	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-archive/app"
)

func main() { process.Main("kymaros-archive", app.Main) }
