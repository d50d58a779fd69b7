// kymaros-controller restores backups into sandboxes, on schedule, and reports whether the application works.
package main

import (
	_ "time/tzdata" // the image has no time zones

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-controller/app"
)

func main() { process.Main("kymaros-controller", app.Main) }
