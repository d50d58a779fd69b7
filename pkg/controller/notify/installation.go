package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

// reread is how often the file is looked at. The kubelet changes it within a minute or so.
const reread = 10 * time.Second

// Installation is where an administrator says who is told of tests that say nothing of it themselves: files, for they are mounted and
// so need no right.
type Installation struct {
	// File holds what spec.notifications of a test may, as YAML. It need not exist. "": there is none.
	File string
	// SecretDirectory holds a file NAME.KEY for each key of each Secret that File names.
	SecretDirectory string
}

// Secret returns what is there of the keys of a Secret.
func (i Installation) Secret(name string, keys []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, key := range keys {
		value, err := os.ReadFile(filepath.Join(i.SecretDirectory, filepath.Base(name)+"."+key))
		if err == nil {
			found[key] = bytes.TrimSpace(value)
		}
	}
	if lacks(found, keys, "", "") != nil {
		return nil, &secretError{text: fmt.Sprintf(aboutSecret+"kymaros-notifications in the namespace of Kymaros has no key %s.%s", name, keys[0])}
	}
	return found, nil
}

// read returns what File says; nil if there is none.
func (i Installation) read() (*v1alpha1.Notifications, []byte, error) {
	if i.File == "" {
		return nil, nil, nil
	}
	text, err := os.ReadFile(i.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var n v1alpha1.Notifications
	if err := yaml.UnmarshalStrict(text, &n); err != nil {
		return nil, text, fmt.Errorf("it must be what spec.notifications of a RestoreTest may be: %w", err)
	}
	return &n, text, validate(&n)
}

// validate checks what the CRD checks of a test.
func validate(n *v1alpha1.Notifications) error {
	var errs []error
	for list, channels := range map[string][]v1alpha1.NotificationChannel{"onFailure": n.OnFailure, "onSuccess": n.OnSuccess} {
		for i := range channels {
			c, at := &channels[i], fmt.Sprintf("%s[%d]", list, i)
			switch {
			case !slices.Contains(notify.Types(), c.Type):
				errs = append(errs, fmt.Errorf("%s.type: %q is none of %s", at, c.Type, strings.Join(notify.Types(), ", ")))
			case c.Type == notify.Email && len(c.To) == 0:
				errs = append(errs, fmt.Errorf("%s.to: email needs recipients", at))
			case c.Type != notify.Email && c.WebhookSecretRef == "":
				errs = append(errs, fmt.Errorf("%s.webhookSecretRef: name the part before the dot of the keys in Secret kymaros-notifications", at))
			}
		}
	}
	if p := n.RegressionPoints; p != nil && (*p < 0 || *p > 100) {
		errs = append(errs, fmt.Errorf("regressionPoints: %d is not between 0 and 100", *p))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// defaults are what the file said when it was last right.
type defaults struct {
	from Installation

	mu   sync.Mutex
	now  *v1alpha1.Notifications
	text []byte
	seen bool
	bad  error
}

func (d *defaults) get() *v1alpha1.Notifications {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// look reads the file, and tells whether it says something else than before. Of one that cannot be used it keeps what was there before.
func (d *defaults) look(ctx context.Context) (changed bool) {
	n, text, err := d.from.read()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen && bytes.Equal(text, d.text) && (err != nil) == (d.bad != nil) {
		return false
	}
	d.seen, d.text, d.bad = true, text, err
	metrics.NotificationDefaults(err == nil)
	logger := klog.FromContext(ctx)
	if err != nil {
		logger.Error(err, "The notifications of the installation cannot be used, what they were before stays", "file", d.from.File)
		return false
	}
	d.now = n
	if n != nil {
		logger.Info("Read the notifications of the installation", "file", d.from.File, "onFailure", len(n.OnFailure), "onSuccess", len(n.OnSuccess))
	}
	return true
}

// watch calls changed whenever the file says something else, until ctx ends.
func (d *defaults) watch(ctx context.Context, changed func()) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if d.look(ctx) {
			changed()
		}
	}, reread)
}
