package inventory

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

const (
	// readTimeout bounds all of it once it is our turn: nobody waits for long for a Velero that is gone.
	readTimeout = 10 * time.Second
	// maxInventory bounds the list of a backup, unpacked, in bytes: a few hundred thousand objects.
	maxInventory = 32 << 20
)

// velero has Velero give out lists.
type velero struct {
	client    versioned.Interface
	namespace string
	// requestName is that of its DownloadRequests.
	requestName string
	// asking holds whoever has a DownloadRequest.
	asking chan struct{}
	// silent is when Velero last left one unanswered. Whoever is in asking may touch it.
	silent time.Time
}

// Velero returns a reader that asks Velero, whose backups are in that namespace, by DownloadRequests of that name.
func Velero(client versioned.Interface, namespace, requestName string) Reader {
	return (&velero{client: client, namespace: namespace, requestName: requestName, asking: make(chan struct{}, 1)}).read
}

// read returns what backup holds of the source namespaces and of the whole cluster, as Velero lists it in its object
// store: names, no content. Velero gives out an address for it that is good for ten minutes.
func (v *velero) read(ctx context.Context, rt *v1alpha1.RestoreTest, backup *velerov1.Backup, sources []string) (sideeffects.Inventory, error) {
	if backup == nil {
		return nil, errors.New("the Backup is not there any more")
	}
	done, err := v.turnToAsk(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Velero for the list of backup %s: %w", backup.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	address, err := v.listAddress(ctx, rt, backup.Name)
	done(err)
	if err != nil {
		return nil, fmt.Errorf("ask Velero for the list of backup %s: %w", backup.Name, err)
	}
	client, err := v.storeClient(ctx, backup)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("velero gave out an address that cannot be read")
	}
	answer, err := client.Do(request)
	if err != nil {
		// The error of http names the address, and that is a key to the backup.
		return nil, fmt.Errorf("the object store of backup %s cannot be reached from here: %w", backup.Name, errors.Unwrap(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the object store of backup %s answers %d", backup.Name, answer.StatusCode)
	}
	inventory, err := readInventory(answer.Body, sources)
	if err != nil {
		return nil, fmt.Errorf("read the list of backup %s: %w", backup.Name, err)
	}
	return inventory, nil
}

// storeClient returns a client that trusts what Velero trusts for the object store of the backup.
func (v *velero) storeClient(ctx context.Context, backup *velerov1.Backup) (*http.Client, error) {
	location, err := v.client.VeleroV1().BackupStorageLocations(v.namespace).Get(ctx, backup.Spec.StorageLocation, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get the storage location of backup %s: %w", backup.Name, err)
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: location.Spec.Config["insecureSkipTLSVerify"] == "true"} //nolint:gosec // the owner of Velero has said so
	if store := location.Spec.ObjectStorage; store != nil && len(store.CACert) > 0 {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(store.CACert) {
			return nil, fmt.Errorf("spec.objectStorage.caCert of BackupStorageLocation %s is no certificate", location.Name)
		}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// readInventory reads {"group/version/Kind": ["namespace/name"]}, compressed, and keeps what is of the source namespaces or
// of none.
func readInventory(packed io.Reader, sources []string) (sideeffects.Inventory, error) {
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	bounded := &io.LimitedReader{R: unpacked, N: maxInventory}
	decoder := json.NewDecoder(bounded)
	inventory := sideeffects.Inventory{}
	if begin, err := decoder.Token(); err != nil {
		return nil, err
	} else if begin != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		text, _ := key.(string)
		version, kind := text[:max(strings.LastIndex(text, "/"), 0)], text[strings.LastIndex(text, "/")+1:]
		group, err := schema.ParseGroupVersion(version)
		if err != nil {
			return nil, fmt.Errorf("%q is no kind: %w", text, err)
		}
		what := group.WithKind(kind).GroupKind()
		err = eachName(decoder, func(name string) {
			namespace, _, namespaced := strings.Cut(name, "/")
			if !namespaced || slices.Contains(sources, namespace) {
				inventory[what] = append(inventory[what], name)
			}
		})
		if err != nil && bounded.N <= 0 {
			return nil, fmt.Errorf("it has more than %d bytes", maxInventory)
		}
		if err != nil {
			return nil, err
		}
	}
	return inventory, nil
}

// eachName hands each name of the list that comes next to do: a cluster's events alone may be more than fits into memory.
func eachName(decoder *json.Decoder, do func(string)) error {
	if begin, err := decoder.Token(); err != nil {
		return err
	} else if begin != json.Delim('[') {
		return errors.New("a kind has no list of names")
	}
	for decoder.More() {
		var name string
		if err := decoder.Decode(&name); err != nil {
			return err
		}
		do(name)
	}
	_, err := decoder.Token()
	return err
}
