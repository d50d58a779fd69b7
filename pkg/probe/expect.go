package probe

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var operators = map[string]struct {
	sign  string
	holds func(output, value int64) bool
}{
	"eq": {"=", func(a, b int64) bool { return a == b }},
	"ne": {"≠", func(a, b int64) bool { return a != b }},
	"gt": {">", func(a, b int64) bool { return a > b }},
	"ge": {"≥", func(a, b int64) bool { return a >= b }},
	"lt": {"<", func(a, b int64) bool { return a < b }},
	"le": {"≤", func(a, b int64) bool { return a <= b }},
}

// match returns nil if output is as expected. Its errors never hold output: they go into a status.
func match(expect *v1alpha1.Expectation, output string) error {
	switch {
	case expect.Equals != nil:
		if output != *expect.Equals {
			return errors.New("output does not equal the expected text")
		}
	case expect.Regex != nil:
		pattern, err := regexp.Compile(*expect.Regex)
		if err != nil {
			return finalf("expect.regex is no regular expression (RE2 syntax): %w", err)
		}
		if !pattern.MatchString(output) {
			return errors.New("output does not match the regular expression")
		}
	case expect.Integer != nil:
		operator, ok := operators[expect.Integer.Operator]
		if !ok {
			return finalf("expect.integer.operator %q is unknown: use eq, ne, gt, ge, lt or le", expect.Integer.Operator)
		}
		number, err := strconv.ParseInt(output, 10, 64)
		if err != nil {
			return errors.New("output is not a whole number of 64 bits")
		}
		if !operator.holds(number, expect.Integer.Value) {
			return fmt.Errorf("output is not %s %d", operator.sign, expect.Integer.Value)
		}
	default:
		return finalf("expect is empty: give one of equals, regex and integer")
	}
	return nil
}
