package zoo

import (
	"strings"
	"testing"
)

// least is how many there are to be.
const least = 200

func TestEveryAnimalIsAnotherOne(t *testing.T) {
	dry, err := In("1")
	if err != nil {
		t.Fatal(err)
	}
	wet, err := Wet("1")
	if err != nil {
		t.Fatal(err)
	}
	back := 0
	for name, all := range map[string][]Animal{"dry": dry, "wet": wet} {
		names, odds, contents := map[string]string{}, map[string]bool{}, map[string]string{}
		for _, a := range all {
			kind := a.Resource.String() + " "
			if odds[kind+a.Odd] {
				t.Errorf("%s: twice", a)
			}
			odds[kind+a.Odd] = true
			if other := names[kind+a.Object.GetName()]; other != "" {
				t.Errorf("%s: has the name of %q", a, other)
			}
			names[kind+a.Object.GetName()] = a.Odd
			o := a.Object.DeepCopy()
			o.SetName("")
			text, err := o.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if other := contents[string(text)]; other != "" && !strings.Contains(a.Odd, " name ") {
				t.Errorf("%s: is what %q is", a, other)
			}
			if !strings.Contains(a.Odd, " name ") { // those may have nothing else
				contents[string(text)] = a.Odd
			}
			if strings.Contains(string(text), "ZOO") || a.Object.GetKind() == "" || a.Object.GetAPIVersion() == "" {
				t.Errorf("%s: %.200s", a, text)
			}
			if a.Kept == "" {
				back++
			}
		}
		t.Logf("%s: %d", name, len(all))
	}
	if back < least {
		t.Errorf("%d animals come back, want %d", back, least)
	}
}

func TestASuffixIsInAllNamesThatAreInNoNamespace(t *testing.T) {
	there, gone, volumes, err := Beside("4711", "shelter")
	if err != nil {
		t.Fatal(err)
	}
	if len(there) == 0 || len(gone) == 0 || len(volumes) == 0 {
		t.Fatalf("%d, %d, %d", len(there), len(gone), len(volumes))
	}
	for _, all := range [][]Animal{there, gone, volumes} {
		for _, a := range all {
			if !strings.HasSuffix(a.Object.GetName(), "-4711") {
				t.Errorf("%s", a)
			}
		}
	}
}
