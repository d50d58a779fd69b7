package term

import (
	"bytes"
	"strings"
	"testing"
)

func TestWideCharactersCountAsTwoColumns(t *testing.T) {
	for text, want := range map[string]int{"shop": 4, "店舗": 4, "é": 1, "e\u0301": 1, "✔ ok": 4, "｡": 1, "🙂": 2, "": 0} {
		if got := Cells(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
	if got := Cut("店舗データ", 6); got != "店舗…" || Cells(got) > 6 {
		t.Errorf("cut to %q", got)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	columns := []Column{{Header: "NAME", Flex: true}, {Header: "RESULT"}, {Header: "SPARE", Spare: true}, {Header: "WHY", Flex: true, Wrap: true}}
	rows := [][]Cell{
		{C("店舗-" + strings.Repeat("データ", 20)), C("Verified", Green), C("more than enough"), C(strings.Repeat("because of what was seen ", 9))},
		{C("web"), C("Failed", Red), C(""), C(strings.Repeat("x", 300))},
	}
	for w := 20; w <= 200; w++ {
		var b bytes.Buffer
		o := &Out{Writer: &b, Width: w}
		o.Table(columns, rows)
		o.Text(Plain, "  fix: ", "%s", strings.Repeat("データ and more ", 30))
		o.Line(Plain, "%s", strings.Repeat("データ", 90))
		for line := range strings.SplitSeq(b.String(), "\n") {
			if Cells(line) > w {
				t.Fatalf("of %d columns, a line takes %d: %q", w, Cells(line), line)
			}
		}
	}
}

func TestOnAPipeNothingIsLostAndNothingColoured(t *testing.T) {
	var b bytes.Buffer
	o, err := New(&b, "auto", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("because ", 60)
	o.Table([]Column{{Header: "NAME"}, {Header: "WHY", Flex: true, Wrap: true}}, [][]Cell{{C("shop", Red), C(long)}})
	want := "NAME  WHY\nshop  " + strings.TrimRight(long, " ") + "\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestNumbersStandUnderEachOther(t *testing.T) {
	var b bytes.Buffer
	(&Out{Writer: &b}).Table([]Column{{Header: "NAME"}, {Header: "SCORE", Right: true}, {Header: "WHY"}}, [][]Cell{{C("shop"), C("100"), C("a")}, {C("web"), C("7"), C("b")}})
	if want := "NAME  SCORE  WHY\nshop    100  a\nweb       7  b\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestColoursAreAsked(t *testing.T) {
	for sentence, c := range map[string]struct {
		colour, noColor string
		want            bool
		fails           bool
	}{
		"always":                       {colour: "always", want: true},
		"always, in spite of NO_COLOR": {colour: "always", noColor: "1", want: true},
		"never":                        {colour: "never"},
		"auto on a pipe":               {colour: "auto"},
		"something else":               {colour: "pink", fails: true},
	} {
		o, err := New(&bytes.Buffer{}, c.colour, func(key string) string { return map[string]string{"NO_COLOR": c.noColor}[key] })
		if (err != nil) != c.fails || err == nil && o.Colour != c.want {
			t.Errorf("%s: %+v %v", sentence, o, err)
		}
	}
}

func TestWhatAnApplicationSaysDoesNotReachTheTerminal(t *testing.T) {
	var b bytes.Buffer
	(&Out{Writer: &b}).Line(Plain, "%s", "row \x1b[2J\x07\u202egnp\nnext")
	if strings.ContainsAny(b.String(), "\x1b\x07\u202e") || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("%q", b.String())
	}
}
