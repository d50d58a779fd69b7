// kymaros-dns answers the names that restored applications use with what came back beside them.
package main

import (
	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-dns/app"
)

func main() { process.Main("kymaros-dns", app.Main) }
