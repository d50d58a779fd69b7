// Package term prints for people: as wide as their terminal, in colour where they want it, and on a pipe always the same.
package term

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	xterm "golang.org/x/term"
)

// Style is how a text looks in colour.
type Style string

// Styles, as SGR codes.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
)

// codes are what Paint adds.
var codes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Out is where a command prints.
type Out struct {
	io.Writer
	// Width in columns; 0 where lines have no end.
	Width int
	// Live tells that lines may be drawn again.
	Live bool
	// Colour tells whether styles show.
	Colour bool
}

// New returns an Out on w. colour is auto, always or never.
func New(w io.Writer, colour string, getenv func(string) string) (*Out, error) {
	o := &Out{Writer: w}
	if f, ok := w.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		if columns, _, err := xterm.GetSize(int(f.Fd())); err == nil {
			o.Width = max(columns, 20)
		}
		o.Live = getenv("TERM") != "dumb"
	}
	switch colour {
	case "always":
		o.Colour = true
	case "never":
	case "auto":
		o.Colour = o.Live && getenv("NO_COLOR") == ""
	default:
		return nil, fmt.Errorf("--color: %q is not one of auto, always, never", colour)
	}
	return o, nil
}

// Paint returns s in a style.
func (o *Out) Paint(style Style, s string) string {
	if !o.Colour || style == Plain || s == "" {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}

// Line prints one line, which is cut where the terminal ends.
func (o *Out) Line(style Style, format string, args ...any) {
	s := Clean(fmt.Sprintf(format, args...))
	if o.Width > 0 {
		s = Cut(s, o.Width)
	}
	_, _ = fmt.Fprintln(o, o.Paint(style, s))
}

// Text prints a paragraph, each line after prefix, which may be painted, or as many spaces as that is wide.
func (o *Out) Text(style Style, prefix, format string, args ...any) {
	indent, room := Cells(codes.ReplaceAllString(prefix, "")), 0
	if o.Width > 0 {
		room = max(o.Width-indent, 10)
	}
	for _, line := range Wrap(Clean(fmt.Sprintf(format, args...)), room) {
		_, _ = fmt.Fprintln(o, strings.TrimRight(prefix+o.Paint(style, line), " "))
		prefix = strings.Repeat(" ", indent)
	}
}

// Blank prints an empty line.
func (o *Out) Blank() { _, _ = fmt.Fprintln(o) }
