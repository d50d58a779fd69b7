package evidence

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Digests of testdata/report.json, a report of the first version that had a chain with every field that it had. They never change.
const (
	frozenVerdict = "sha256:5cd8e8ae2be78157bca6feebfa475ac86c6d84dd21f02369346e26345ca9cb72"
	frozenHygiene = "sha256:200b4d8f75b6fb30a81145dbea0fa3877efabef83c6d753f509a30166fc20bf0"
)

func TestAReportOfTodayKeepsItsDigest(t *testing.T) {
	body, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := utiljson.Unmarshal(body, &stored); err != nil {
		t.Fatal(err)
	}
	var typed v1alpha1.RestoreReport
	if err := json.Unmarshal(body, &typed); err != nil {
		t.Fatal(err)
	}
	for form, of := range map[string]func() (Record, error){
		"as it is stored":       func() (Record, error) { return Of(stored) },
		"as our types write it": func() (Record, error) { return OfReport(&typed) },
	} {
		r, err := of()
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != frozenVerdict || r.Hygiene != frozenHygiene {
			t.Errorf("%s: verdict %s, hygiene %s: a field was renamed, removed, or is written although it is empty", form, r.Verdict, r.Hygiene)
		}
		if r.Name != "shop-20261127-030000" || r.Namespace != "prod" || r.Test == "" || r.Sequence() == 0 || r.Envelope == nil {
			t.Errorf("%s: %+v", form, r)
		}
	}
}

// A field that is written although it is empty changes the digests of old reports, when our types write them. These were there from the
// beginning.
func TestNewFieldsOfReportsAreOmittedWhenEmpty(t *testing.T) {
	var always []string
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || !strings.HasSuffix(of.PkgPath(), "restore/v1alpha1") {
			return
		}
		seen[of] = true
		for field := range of.Fields() {
			if tag := field.Tag.Get("json"); !strings.Contains(tag, "omit") {
				always = append(always, of.Name()+"."+tag)
			}
			look(field.Type)
		}
	}
	look(reflect.TypeFor[v1alpha1.RestoreReportStatus]())
	look(reflect.TypeFor[v1alpha1.RestoreReportSpec]())
	look(reflect.TypeFor[v1alpha1.Hygiene]())
	want, err := os.ReadFile("testdata/always.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(always, "\n") + "\n"; got != string(want) {
		t.Errorf("fields without omitempty, of reports that have them from the beginning:\n%s", got)
	}
}

func TestTheCRDOfReportsHasNoDefault(t *testing.T) {
	crd, err := os.ReadFile("../../manifests/crds/restore.kymaros.io_restorereports.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(crd)) {
		if strings.HasPrefix(strings.TrimSpace(line), "default:") {
			t.Errorf("%q: the API server would add it to old reports when it reads them, and they would look edited", line)
		}
	}
}

func TestNumbersThatCanonicalJSONDoesNotKeepAreRefused(t *testing.T) {
	for sentence, c := range map[string]struct {
		text, says string
	}{
		"a whole number":                {`{"a":{"b":[9007199254740991]}}`, ""},
		"a negative number":             {`{"a":-9007199254740991}`, ""},
		"a number beyond 2^53":          {`{"a":{"b":[9007199254740992]}}`, ".a.b[0]: 9007199254740992 is beyond"},
		"a negative number beyond 2^53": {`{"a":-9007199254740992}`, ".a: -9007199254740992 is beyond"},
		"a number beyond 2^63":          {`{"a":9223372036854775808}`, ".a:"},
		"a broken number":               {`{"a":1.5}`, ".a: 1.5 is no whole number"},
		"a whole number with a point":   {`{"a":1.0}`, "no whole number"},
	} {
		var v any
		if err := utiljson.Unmarshal([]byte(c.text), &v); err != nil {
			t.Fatal(err)
		}
		switch _, err := Canonical(v); {
		case (err != nil) != (c.says != ""), err != nil && !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestCanonicalJSONIsThatOfTheStandard(t *testing.T) {
	// Keys by their UTF-16 units, and no more escaped than must be (RFC 8785, 3.2).
	var v any
	if err := utiljson.Unmarshal([]byte(`{"\ufb33":1,"\ud83d\ude02":2,"é":3,"a":"\u20ac<>&\u000f\n\u2028\"\\","b":[true,null,{}]}`), &v); err != nil {
		t.Fatal(err)
	}
	got, err := Canonical(v)
	if want := "{\"a\":\"€<>&\\u000f\\n\u2028\\\"\\\\\",\"b\":[true,null,{}],\"é\":3,\"😂\":2,\"\ufb33\":1}"; err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// Ours is compared with that of a library, which is slower, for what is difficult: names that sort in another way than their bytes, and
// what is escaped.
func TestCanonicalJSONIsThatOfALibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	characters := []rune("\x00\x01\b\t\n\f\r\x1f \"\\/<>&az~\x7f\u0080é߿\u0800\u2028\u2029\ud7ff\ue000\ufb33\ufffd\uffff\U00010000😂\U0010ffff")
	text := func() string {
		s := make([]rune, random.IntN(5))
		for i := range s {
			s[i] = characters[random.IntN(len(characters))]
		}
		return string(s)
	}
	var value func(depth int) any
	value = func(depth int) any {
		switch kind := random.IntN(7); {
		case kind == 0 && depth > 0:
			object := map[string]any{}
			for range random.IntN(12) {
				object[text()] = value(depth - 1)
			}
			return object
		case kind == 1 && depth > 0:
			array := []any{}
			for range random.IntN(4) {
				array = append(array, value(depth-1))
			}
			return array
		case kind == 2:
			return random.IntN(2) == 0
		case kind == 3:
			return nil
		case kind == 4:
			return random.Int64N(2*maxInteger+1) - maxInteger
		}
		return text()
	}
	for range 3000 {
		v := map[string]any{text(): value(4), text(): value(4), text(): value(2)}
		got, err := Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := jcs.Transform(body); err != nil || string(got) != string(want) {
			t.Fatalf("%v\n got %q\nwant %q", err, got, want)
		}
	}
	for sentence, v := range map[string]any{
		"no UTF-8": map[string]any{"a": "b\xff\xfec\xe2\x82"}, "no object": map[string]any(nil), "no array": []any(nil), "objects": []any{map[string]any(nil), []any(nil)},
	} {
		got, err := Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := json.Marshal(v)
		if want, err := jcs.Transform(body); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v\n got %q\nwant %q", sentence, err, got, want)
		}
	}
}

func TestWhatIsNoReportHasNoDigest(t *testing.T) {
	for sentence, report := range map[string]map[string]any{
		"nothing":           {},
		"without a verdict": {"metadata": map[string]any{"name": "a"}, "apiVersion": "v", "kind": "k", "spec": map[string]any{}},
	} {
		if _, err := Of(report); err == nil || !strings.Contains(err.Error(), "is missing") {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}
