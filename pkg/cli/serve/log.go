package serve

import (
	"fmt"
	"io"

	"k8s.io/klog/v2"
)

// failures logs errors only: a terminal is no place for a line of each request.
type failures struct{ out io.Writer }

func (failures) Init(klog.RuntimeInfo)            {}
func (failures) Enabled(int) bool                 { return false }
func (failures) Info(int, string, ...any)         {}
func (l failures) WithValues(...any) klog.LogSink { return l }
func (l failures) WithName(string) klog.LogSink   { return l }
func (l failures) Error(err error, what string, _ ...any) {
	_, _ = fmt.Fprintf(l.out, "%s: %v\n", what, err)
}
