package controller

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// WroteReport tells whether the report controller wrote the spec and the status of a report as the API server has it, and
// nobody else any of it. Labels and annotations tell nothing: whoever may write in the namespace can copy ours, or change
// them. The API server notes who wrote which field. What it notes can be forged, but not by mistake, and the fence lets
// nobody else write reports.
func WroteReport(r *v1alpha1.RestoreReport) bool {
	var spec, status bool
	for _, entry := range r.ManagedFields {
		if entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			return false
		}
		_, inSpec := fields["f:spec"]
		_, inStatus := fields["f:status"]
		ours := entry.Manager == FieldManager(Report) && entry.Operation == metav1.ManagedFieldsOperationUpdate
		if (inSpec || inStatus) && !ours {
			return false
		}
		spec, status = spec || inSpec, status || inStatus
	}
	return spec && (status || r.Status == nil)
}
