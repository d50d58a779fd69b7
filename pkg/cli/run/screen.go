package run

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/cli/term"
)

// screen shows how far a run is: on a terminal it draws the steps again, else it prints one line whenever something changed.
type screen struct {
	out   *term.Out
	drawn string
	last  []Step
}

// show shows the steps at that time.
func (s *screen) show(steps []Step, now time.Time) {
	if s.out.Live {
		s.redraw(steps)
		return
	}
	for i, step := range steps {
		if step.State == Coming || i < len(s.last) && same(s.last[i], step) {
			continue
		}
		sign := signs[step.State]
		s.out.Line(term.Plain, "%s  %s %s", now.UTC().Format(time.RFC3339), sign.Text, step.line())
	}
	s.last = slices.Clone(steps)
}

// same tells whether a step has not changed but for the time.
func same(a, b Step) bool { return a.State == b.State && a.Reason == b.Reason && a.Text == b.Text }

// redraw moves up over what it drew before, unless that is the same. Each step takes one line, so that it knows how far.
func (s *screen) redraw(steps []Step) {
	var drawn strings.Builder
	for _, step := range steps {
		sign := signs[step.State]
		text := term.Clean(step.line())
		if s.out.Width > 0 {
			text = term.Cut(text, s.out.Width-2)
		}
		style := term.Plain
		if step.State == Coming {
			style = term.Dim
		}
		fmt.Fprintf(&drawn, "\x1b[2K%s %s\n", s.out.Paint(sign.Style, sign.Text), s.out.Paint(style, text))
	}
	if s.drawn == drawn.String() {
		return
	}
	if lines := strings.Count(s.drawn, "\n"); lines > 0 {
		_, _ = fmt.Fprintf(s.out, "\x1b[%dA", lines)
	}
	s.drawn = drawn.String()
	_, _ = io.WriteString(s.out, s.drawn)
}
