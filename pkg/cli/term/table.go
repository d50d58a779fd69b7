package term

import (
	"fmt"
	"slices"
	"strings"
)

// Column of a table.
type Column struct {
	Header string
	// Flex columns give room where a terminal is too narrow, the widest first, and break their text if Wrap says so.
	Flex, Wrap bool
	// Right aligns numbers.
	Right bool
	// Spare columns are left out where nothing else helps, the last first.
	Spare bool
}

// Cell of a table.
type Cell struct {
	Text  string
	Style Style
}

// C returns a cell.
func C(text string, style ...Style) Cell {
	c := Cell{Text: text}
	if len(style) > 0 {
		c.Style = style[0]
	}
	return c
}

const (
	gap = 2
	// least is how narrow a flexible column may become.
	least = 12
)

// Table prints rows under their headers. Where the terminal is too narrow, it leaves out and shortens; on a pipe nothing is lost.
func (o *Out) Table(columns []Column, rows [][]Cell) {
	shown := make([]int, 0, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		shown = append(shown, i)
		widths[i] = Cells(c.Header)
		for _, row := range rows {
			row[i].Text = Clean(row[i].Text)
			widths[i] = max(widths[i], Cells(row[i].Text))
		}
	}
	if o.Width > 0 {
		shown = o.fit(columns, shown, widths)
	}
	header := make([]Cell, len(columns))
	headed := false
	for i, c := range columns {
		header[i] = C(c.Header, Bold)
		headed = headed || c.Header != ""
	}
	if headed {
		o.row(columns, shown, widths, header)
	}
	for _, row := range rows {
		o.row(columns, shown, widths, row)
	}
}

// fit changes widths so that all shown columns fit, and returns those that are left.
func (o *Out) fit(columns []Column, shown, widths []int) []int {
	total := func() int {
		sum := gap * (len(shown) - 1)
		for _, i := range shown {
			sum += widths[i]
		}
		return sum
	}
	shrink := func(i int) {
		if over := total() - o.Width; over > 0 && columns[i].Flex {
			widths[i] = max(widths[i]-over, min(widths[i], max(least, Cells(columns[i].Header))))
		}
	}
	widest := func() (all []int) {
		all = slices.Clone(shown)
		slices.SortStableFunc(all, func(a, b int) int { return widths[b] - widths[a] })
		return all
	}
	natural := slices.Clone(widths)
	for {
		for _, i := range widest() {
			shrink(i)
		}
		if total() <= o.Width {
			return shown
		}
		spare := -1
		for at, i := range shown {
			if columns[i].Spare {
				spare = at
			}
		}
		if spare < 0 {
			break
		}
		shown = slices.Delete(shown, spare, spare+1)
		copy(widths, natural)
	}
	for _, i := range widest() { // nothing else helps
		if over := total() - o.Width; over > 0 {
			widths[i] = max(widths[i]-over, 1)
		}
	}
	return shown
}

func (o *Out) row(columns []Column, shown, widths []int, row []Cell) {
	cells := map[int][]string{}
	height := 1
	for _, i := range shown {
		if columns[i].Wrap && o.Width > 0 {
			cells[i] = Wrap(row[i].Text, widths[i])
		} else {
			cells[i] = []string{Cut(row[i].Text, widths[i])}
		}
		height = max(height, len(cells[i]))
	}
	for h := range height {
		var b strings.Builder
		for at, i := range shown {
			text := ""
			if h < len(cells[i]) {
				text = cells[i][h]
			}
			pad := strings.Repeat(" ", max(widths[i]-Cells(text), 0))
			if at > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			switch {
			case columns[i].Right:
				b.WriteString(pad + o.Paint(row[i].Style, text))
			case at == len(shown)-1:
				b.WriteString(o.Paint(row[i].Style, text))
			default:
				b.WriteString(o.Paint(row[i].Style, text) + pad)
			}
		}
		_, _ = fmt.Fprintln(o, strings.TrimRight(b.String(), " "))
	}
}
