package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/notify"
)

// wish is which of the events of a list a channel is to be told.
type wish int

const (
	none    wish = iota
	changes      // not what it was told already
	all
)

// channel is a receiver that a test, or the whole installation, names.
type channel struct {
	// key tells channels apart, whatever their place in a list: the type and the Secret. It holds no address.
	key string
	// where is the field that names it.
	where string
	spec  v1alpha1.NotificationChannel
	// failure and success are what the lists of these names want it to be told.
	failure, success wish
	// installation: it is of the whole installation, and so is its Secret.
	installation bool
}

// channelsOf returns the receivers of a test: its own, or if it says nothing of notifications those of the installation. One that both
// lists name is one receiver.
func channelsOf(own, installation *v1alpha1.Notifications) []channel {
	n, prefix := own, "spec.notifications"
	if own == nil {
		n, prefix = installation, "of the installation"
	}
	if n == nil {
		return nil
	}
	var found []channel
	add := func(list string, specs []v1alpha1.NotificationChannel, wants func(*channel) *wish) {
		for i := range specs {
			key := keyOf(&specs[i], own == nil)
			at := slices.IndexFunc(found, func(c channel) bool { return c.key == key })
			if at < 0 {
				at = len(found)
				found = append(found, channel{
					key: key, where: fmt.Sprintf("%s.%s[%d]", prefix, list, i), spec: specs[i], installation: own == nil,
				})
			}
			w := all
			if specs[i].OnlyChanges {
				w = changes
			}
			*wants(&found[at]) = max(w, *wants(&found[at]))
		}
	}
	add("onFailure", n.OnFailure, func(c *channel) *wish { return &c.failure })
	add("onSuccess", n.OnSuccess, func(c *channel) *wish { return &c.success })
	return found
}

// keyOf names a channel as its type, its Secret and, where one has several, which of them. Recipients of mail are addresses: of these
// there is a hash.
func keyOf(spec *v1alpha1.NotificationChannel, installation bool) string {
	parts := []string{spec.Type}
	if installation {
		parts = []string{"installation", spec.Type}
	}
	if spec.WebhookSecretRef != "" {
		parts = append(parts, spec.WebhookSecretRef)
	}
	if spec.Channel != "" {
		parts = append(parts, spec.Channel)
	}
	if spec.Type == notify.Email {
		parts = append(parts, hash(strings.Join(slices.Sorted(slices.Values(spec.To)), "\n")))
	}
	return strings.Join(parts, "/")
}

// hash is short: it tells apart the channels of one test.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

func find(channels []channel, key string) *channel {
	for i := range channels {
		if channels[i].key == key {
			return &channels[i]
		}
	}
	return nil
}
