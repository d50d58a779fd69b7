package server

import (
	"cmp"
	"net/http"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
)

// endpoint returns the answer to a request, which is sent as JSON; nil: there is nothing to tell.
type endpoint func(*Server, *request) (any, error)

// operation is what may be asked for at an address. What is served and what the OpenAPI document says are both made from these.
type operation struct {
	method, path string
	params       []string
	tells        string
	// body and answers are values of the types that are taken and given; nil: none.
	body, answers any
	status        int // of an answer; 0: 200
	// answer is nil where requests are served in another way, see mux.
	answer endpoint
}

func (o *operation) code() int { return cmp.Or(o.status, http.StatusOK) }

const (
	get = http.MethodGet
	// watchPath is where the stream of changes is.
	watchPath = "/api/v1/watch"
)

var (
	paged        = []string{"continue", "limit"}
	testParams   = append([]string{"namespace", "phase", "q", "result", "sort"}, paged...)
	reportParams = append([]string{"days", "latest", "namespace", "result", "test"}, paged...)
	inNamespace  = []string{"namespace"}
)

// The resources of which this tells something.
const (
	tests    = "restoretests"
	reports  = "restorereports"
	policies = "healthcheckpolicies"
)

// operations are all whose caller must be known. A bare {name} has to be the only one of that name that the caller may see, or
// takes the parameter namespace.
var operations = []operation{
	{get, "/api/v1/me", inNamespace, "who the caller is, and what they may do", nil, me{}, 0, (*Server).me},
	{get, "/api/v1/summary", inNamespace, "all that the caller may see in some numbers", nil, summary{}, 0, (*Server).summary},
	{get, "/api/v1/summary/daily", []string{"days", "namespace"}, "days that have reports, the oldest first", nil, []day{}, 0, (*Server).daily},
	{get, "/api/v1/tests", testParams, "tests", nil, []cached.TestItem{}, 0, (*Server).listTests},
	{get, "/api/v1/tests/{name}", inNamespace, "one whole test", nil, v1alpha1.RestoreTest{}, 0, (*Server).getTest},
	{get, "/api/v1/tests/{name}/history", append(inNamespace, paged...), "reports of a test, the newest first", nil, reportPage{}, 0, (*Server).history},
	{get, "/api/v1/recent", inNamespace, "how the last runs of each test ended", nil, []*recentItem{}, 0, (*Server).recent},
	{get, "/api/v1/reports", reportParams, "reports, the newest first", nil, []cached.ReportItem{}, 0, (*Server).listReports},
	{get, "/api/v1/reports/{name}", inNamespace, "one whole report but for its logs", nil, v1alpha1.RestoreReport{}, 0, (*Server).getReport},
	{get, "/api/v1/reports/{name}/logs", inNamespace, "logs and events that a report holds", nil, reportLogs{}, 0, (*Server).logs},
	{get, "/api/v1/reports/{name}/evidence", inNamespace, "one report as it is stored, and its digests", nil, reportRecord{}, 0, (*Server).sealed},
	{get, "/api/v1/compare", []string{"after", "before"}, "what differs between two reports", nil, comparison{}, 0, (*Server).compare},
	{get, "/api/v1/coverage", append([]string{"maxAge", "namespace", "state"}, paged...), "namespaces and volumes of the cluster: in a backup, and proven by which report; asked for with the caller's own token", nil, coveragePage{}, 0, (*Server).coverage},
	{get, "/api/v1/alerts", append([]string{"hours", "namespace"}, paged...), "runs that failed, or whose score fell", nil, []alert{}, 0, (*Server).alerts},
	{get, "/api/v1/upcoming", append(inNamespace, paged...), "tests that the clock starts next", nil, []next{}, 0, (*Server).upcoming},
	{get, "/api/v1/line", inNamespace, "runs that wait for their turn", nil, waitingLine{}, 0, (*Server).line},
	{get, "/api/v1/policies", append(inNamespace, paged...), "policies of checks", nil, []cached.PolicyItem{}, 0, (*Server).listPolicies},
	{get, "/api/v1/schedules", nil, "schedules of Velero, asked for with the caller's own token", nil, []veleroSchedule{}, 0, (*Server).schedules},
	{get, "/api/v1/config/provider", nil, "what there is of Velero, asked for with the caller's own token", nil, provider{}, 0, (*Server).provider},
	{get, "/api/v1/config/notifications", inNamespace, "receivers that tests name", nil, channels{}, 0, (*Server).notifications},
	{get, "/api/v1/config/sandbox", nil, "how sandboxes are made, and those there are", nil, sandboxConfig{}, 0, (*Server).sandboxes},

	{get, "/api/v1/namespaces/{namespace}/tests", testParams[1:], "a page of tests, with counts", nil, testPage{}, 0, (*Server).pageOfTests},
	{get, "/api/v1/namespaces/{namespace}/tests/{name}", nil, "one whole test", nil, v1alpha1.RestoreTest{}, 0, (*Server).getTest},
	{get, "/api/v1/namespaces/{namespace}/tests/{name}/history", paged, "reports of a test, the newest first", nil, reportPage{}, 0, (*Server).history},
	{get, "/api/v1/namespaces/{namespace}/reports", append([]string{"days", "latest", "result", "test"}, paged...), "a page of reports, the newest first", nil, reportPage{}, 0, (*Server).pageOfReports},
	{get, "/api/v1/namespaces/{namespace}/reports/{name}", nil, "one whole report but for its logs", nil, v1alpha1.RestoreReport{}, 0, (*Server).getReport},
	{get, "/api/v1/namespaces/{namespace}/reports/{name}/logs", nil, "logs and events that a report holds", nil, reportLogs{}, 0, (*Server).logs},
	{get, "/api/v1/namespaces/{namespace}/reports/{name}/evidence", nil, "one report as it is stored, and its digests", nil, reportRecord{}, 0, (*Server).sealed},
	{get, "/api/v1/namespaces/{namespace}/policies/{name}", nil, "one whole policy of checks", nil, v1alpha1.HealthCheckPolicy{}, 0, (*Server).getPolicy},

	// Whatever changes something is done with the caller's own token.
	{http.MethodPost, "/api/v1/tests", nil, "makes a test", testInput{}, done{}, http.StatusCreated, (*Server).createTest},
	{http.MethodPut, "/api/v1/tests/{name}", inNamespace, "changes a test: the fields of the body, and no other", testInput{}, done{}, 0, (*Server).changeTest},
	{http.MethodDelete, "/api/v1/tests/{name}", inNamespace, "deletes a test; its reports stay", nil, nil, http.StatusNoContent, (*Server).deleteTest},
	{http.MethodPost, "/api/v1/tests/{name}/trigger", inNamespace, "asks for a run now", nil, done{}, 0, (*Server).trigger},
	{http.MethodPut, "/api/v1/namespaces/{namespace}/tests/{name}", nil, "changes a test: the fields of the body, and no other", testInput{}, done{}, 0, (*Server).changeTest},
	{http.MethodDelete, "/api/v1/namespaces/{namespace}/tests/{name}", nil, "deletes a test; its reports stay", nil, nil, http.StatusNoContent, (*Server).deleteTest},
	{http.MethodPost, "/api/v1/namespaces/{namespace}/tests/{name}/trigger", nil, "asks for a run now", nil, done{}, 0, (*Server).trigger},
	{http.MethodPut, "/api/v1/namespaces/{namespace}/tests/{name}/manifest", nil, "makes a test of a manifest, or changes it", manifestInput{}, done{}, 0, (*Server).putTest},
	{http.MethodPut, "/api/v1/namespaces/{namespace}/policies/{name}/manifest", nil, "makes a policy of a manifest, or changes it", manifestInput{}, done{}, 0, (*Server).putPolicy},
	{http.MethodDelete, "/api/v1/namespaces/{namespace}/policies/{name}", nil, "deletes a policy; tests that name it are then inconclusive", nil, nil, http.StatusNoContent, (*Server).deletePolicy},
	{http.MethodPost, "/api/v1/config/sandbox/cleanup", nil, "deletes sandboxes that no run is in", nil, deleted{}, 0, (*Server).cleanup},

	{http.MethodPost, sessionPath, nil, "gives a browser its bearer token back as a cookie; takes the header " + caller.Header, nil, nil, http.StatusNoContent, nil},
	{http.MethodDelete, sessionPath, nil, "takes the cookie away; takes the header " + caller.Header, nil, nil, http.StatusNoContent, nil},
	{get, watchPath, inNamespace, "changes of tests, reports and policies as they come", nil, nil, 0, nil},
}
