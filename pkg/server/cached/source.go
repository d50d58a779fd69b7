package cached

import (
	"bytes"
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
)

// Reports lists and watches the RestoreReports of a cluster. They are by far the most of what there is to read at the start, and a
// client spends a third of its time on reading each twice more, only to learn that it is a RestoreReport.
func Reports(config *rest.Config) (cache.ListerWatcher, error) {
	config = rest.CopyConfig(config)
	version := reportKind.GroupVersion()
	config.APIPath, config.GroupVersion = "/apis", &version
	config.NegotiatedSerializer = quick{rest.CodecFactoryForGeneratedClient(scheme.Scheme, scheme.Codecs).WithoutConversion()}
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("client for RestoreReports: %w", err)
	}
	return cache.NewListWatchFromClient(client, "restorereports", "", fields.Everything()), nil
}

// quick reads JSON by quickMeta.
type quick struct{ runtime.NegotiatedSerializer }

func (q quick) SupportedMediaTypes() []runtime.SerializerInfo {
	var all []runtime.SerializerInfo
	for _, info := range q.NegotiatedSerializer.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeJSON {
			info.Serializer = json.NewSerializerWithOptions(quickMeta{}, scheme.Scheme, scheme.Scheme, json.SerializerOptions{})
			stream := *info.StreamSerializer
			stream.Serializer = info.Serializer
			info.StreamSerializer = &stream
		}
		all = append(all, info)
	}
	return all
}

var (
	reportKind   = schema.GroupVersionKind{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: "RestoreReport"}
	reportBegins = []byte(fmt.Sprintf(`{"apiVersion":%q,"kind":%q,`, reportKind.GroupVersion(), reportKind.Kind))
	eventBegins  = []byte(`{"type":"`)
)

// quickMeta tells by how a text begins of what kind it is: API servers sort the fields of custom resources by name.
type quickMeta struct{}

// Interpret returns no kind for events of a watch, which have none.
func (quickMeta) Interpret(data []byte) (*schema.GroupVersionKind, error) {
	switch {
	case bytes.HasPrefix(data, reportBegins):
		kind := reportKind
		return &kind, nil
	case bytes.HasPrefix(data, eventBegins):
		return &schema.GroupVersionKind{}, nil
	}
	return json.DefaultMetaFactory.Interpret(data)
}
