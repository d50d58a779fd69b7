package controller

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// statusFields are the top-level fields of a status by their names in JSON, but for the conditions.
var statusFields = func() map[string]int {
	all := map[string]int{}
	for i, t := 0, reflect.TypeFor[v1alpha1.RestoreTestStatus](); i < t.NumField(); i++ {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "conditions" {
			all[name] = i
		}
	}
	return all
}()

// alien returns the name of a field that status has and the controller does not own, or "".
func alien(status *v1alpha1.RestoreTestStatus, controller string) string {
	v := reflect.ValueOf(status).Elem()
	for name, i := range statusFields {
		if !absent(v.Field(i)) && !slices.Contains(owned[controller], name) {
			return name
		}
	}
	return ""
}

// sameShare tells whether what the controller owns of two statuses is the same in JSON, which knows no fractions of a second. Only that is
// put into JSON: a status as a whole is many times as large.
func sameShare(a, b *v1alpha1.RestoreTestStatus, controller string) (bool, error) {
	for _, name := range owned[controller] {
		x, err := inJSON(a, name)
		if err != nil {
			return false, err
		}
		y, err := inJSON(b, name)
		if err != nil || !bytes.Equal(x, y) {
			return false, err
		}
	}
	return true, nil
}

func inJSON(status *v1alpha1.RestoreTestStatus, name string) ([]byte, error) {
	v := reflect.ValueOf(status).Elem().Field(statusFields[name])
	if absent(v) {
		return nil, nil
	}
	return json.Marshal(v.Interface())
}

// absent tells whether JSON leaves v out: all fields of a status are optional.
func absent(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}
