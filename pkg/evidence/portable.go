package evidence

// Where reports stand outside of a cluster: in ReportDir by namespace and test, with names that end with StoredEnd.
const (
	ReportDir = "reports"
	StoredEnd = ".report.json"
)

// Portable returns a report as it is kept outside of a cluster: without what is anybody's.
func Portable(report map[string]any) map[string]any {
	from, _ := report["metadata"].(map[string]any)
	meta := map[string]any{}
	for _, field := range []string{"namespace", "name", "uid", "creationTimestamp"} {
		if from[field] != nil {
			meta[field] = from[field]
		}
	}
	all := map[string]any{"metadata": meta}
	for _, field := range []string{"apiVersion", "kind", "spec", "status", "hygiene"} {
		if report[field] != nil {
			all[field] = report[field]
		}
	}
	return all
}
