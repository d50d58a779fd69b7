package v1alpha1

import (
	"fmt"
	"time"
)

// Duration is a length of time as Go writes it: "90s", "30m", "1h30m". It is kept as the text the user wrote: a text
// that is no duration then spoils one object, not the decoding of a whole list of them.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+$') && !self.matches('[0-9]{7,}([.][0-9]*)?h|[0-9]{9,}')",message="must be a duration such as 90s, 30m or 24h (units: ms, s, m, h; a day is 24h)"
type Duration string

// Of returns d as text.
func Of(d time.Duration) Duration { return Duration(d.String()) }

// Parse returns the length of time, or an error that says what a duration looks like. An empty Duration is 0.
func (d Duration) Parse() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write it as 90s, 30m or 24h", string(d))
	}
	if parsed < 0 {
		return 0, fmt.Errorf("%q is negative: write it as 90s, 30m or 24h", string(d))
	}
	return parsed, nil
}

// Or returns the length of time, or other when d is empty, zero or not a duration.
func (d Duration) Or(other time.Duration) time.Duration {
	if parsed, err := d.Parse(); err == nil && parsed > 0 {
		return parsed
	}
	return other
}
