// kymaros-api tells over HTTP what restore tests and reports there are, to callers who may see them, and passes on what they change.
package main

import (
	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/cmd/kymaros-api/app"
)

func main() { process.Main("kymaros-api", app.Main) }
