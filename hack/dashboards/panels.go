package main

// Controllers that stand by tell of the tests as well: max by (namespace, test) takes one of them.

// Kinds of panels.
const (
	stat     = "stat"
	series   = "timeseries"
	bars     = "bargauge"
	timeline = "state-timeline"
)

var (
	score = []step{{0, "red"}, {70, "orange"}, {90, "green"}}
	none  = []step{{0, "green"}, {1, "red"}}
	few   = []step{{0, "green"}, {1, "orange"}}
	whole = []step{{0, "red"}, {1, "green"}}
)

func count(title, expr string, steps []step) panel {
	return panel{kind: stat, title: title, width: 4, height: 4, unit: "none", steps: steps, queries: []query{{expr, ""}}}
}

func withResult(result string) string {
	return `count(max by (namespace, test) (kymaros_test_result{result="` + result + `"}) == 1) or vector(0)`
}

// overview answers whether what is backed up can be restored. Its uid, and that of the next, stay: users' links have them.
func overview() dashboard {
	return dashboard{file: "overview.json", uid: "kymaros-overview", title: "Kymaros: can we restore?", from: "now-7d", panels: []panel{
		count("Verified", withResult("pass"), whole),
		count("Failed", withResult("fail"), none),
		count("Partial", withResult("partial"), few),
		count("Inconclusive", withResult("inconclusive"), few),
		count("Never tested", `count(max by (namespace, test) (kymaros_test_created_timestamp_seconds) unless on (namespace, test) kymaros_test_result) or vector(0)`, few),
		count("Not verified in time", `count(time() - max by (namespace, test) (kymaros_last_verified_timestamp_seconds or kymaros_test_created_timestamp_seconds) > 2 * max by (namespace, test) (kymaros_schedule_interval_seconds) unless on (namespace, test) kymaros_suspended == 1) or vector(0)`, none),
		{
			kind: timeline, title: "Score of the last run", description: "Red below 70, green from 90. A gap is an inconclusive run.", width: 24, height: 10, unit: "none", steps: score,
			queries: []query{{"max by (namespace, test) (kymaros_score)", "{{namespace}}/{{test}}"}},
		},
		{
			kind: bars, title: "Newest backup that restores, by namespace", description: "How much would be lost: the age of the newest backup that passed.", width: 12, height: 10, unit: "s",
			steps:   []step{{0, "green"}, {2 * 86400, "orange"}, {7 * 86400, "red"}},
			queries: []query{{"sort_desc(time() - max by (source_namespace) (kymaros_namespace_last_verified_backup_timestamp_seconds))", "{{source_namespace}}"}},
		},
		{
			kind: series, title: "Recovery time, as a part of its target", width: 12, height: 10, unit: "percentunit", steps: []step{{0, "green"}, {1, "red"}},
			queries: []query{{"max by (namespace, test) (kymaros_rto_seconds) / max by (namespace, test) (kymaros_rto_target_seconds)", "{{namespace}}/{{test}}"}},
		},
		{
			kind: bars, title: "Runs by result", width: 12, height: 8, unit: "none",
			queries: []query{{"sum by (result) (increase(kymaros_tests_total[$__range]))", "{{result}}"}},
		},
		{
			kind: bars, title: "Runs by reason", description: "Class backup: it is bad. Class sandbox: could not be shown. Class inconclusive: nothing was learnt.", width: 12, height: 8, unit: "none",
			queries: []query{{"sort_desc(sum by (class, reason) (increase(kymaros_runs_total[$__range])) > 0)", "{{class}}: {{reason}}"}},
		},
	}}
}

const of = `{namespace="$namespace",test="$test"}`

func one(title, name, unit string, steps []step) panel {
	return panel{kind: stat, title: title, width: 4, height: 4, unit: unit, steps: steps, queries: []query{{"max(" + name + of + ")", ""}}}
}

func ago(title, name string) panel {
	return panel{kind: stat, title: title, width: 4, height: 4, unit: "s", queries: []query{{"time() - max(" + name + of + ")", ""}}}
}

func oneTest() dashboard {
	return dashboard{file: "test.json", uid: "kymaros-restore-validation", title: "Kymaros: a test", from: "now-30d", perTest: true, panels: []panel{
		one("Score", "kymaros_score", "none", score),
		ago("Last passed, ago", "kymaros_last_verified_timestamp_seconds"),
		ago("Newest backup that passed, ago", "kymaros_last_verified_backup_timestamp_seconds"),
		one("Recovery time", "kymaros_rto_seconds", "s", nil),
		one("Target", "kymaros_rto_target_seconds", "s", nil),
		one("Came back", "kymaros_completeness_ratio", "percentunit", []step{{0, "red"}, {1, "green"}}),
		{
			kind: series, title: "Score", width: 12, height: 8, unit: "none", steps: score,
			queries: []query{{"max(kymaros_score" + of + ")", "score"}},
		},
		{
			kind: series, title: "Recovery time and target", width: 12, height: 8, unit: "s",
			queries: []query{{"max(kymaros_rto_seconds" + of + ")", "recovery time"}, {"max(kymaros_rto_target_seconds" + of + ")", "target"}},
		},
		{
			kind: series, title: "Where the recovery time goes", description: "volume_data is a part of restore.", width: 12, height: 8, unit: "s", stacked: true,
			queries: []query{{`max by (part) (kymaros_rto_part_seconds{namespace="$namespace",test="$test",part!="volume_data"})`, "{{part}}"}},
		},
		{
			kind: series, title: "Age of the backup, and wait in the line", width: 12, height: 8, unit: "s",
			queries: []query{{"max(kymaros_backup_age_seconds" + of + ")", "age of the backup"}, {"max(kymaros_line_wait_seconds" + of + ")", "wait in the line"}},
		},
		{
			kind: timeline, title: "Result of the last run", width: 24, height: 6, unit: "none", steps: []step{{0, "transparent"}, {1, "blue"}},
			queries: []query{{"max by (result) (kymaros_test_result" + of + ")", "{{result}}"}},
		},
		{
			kind: bars, title: "Runs by result", width: 12, height: 6, unit: "none",
			queries: []query{{"sum by (result) (increase(kymaros_tests_total" + of + "[$__range]))", "{{result}}"}},
		},
		{
			kind: bars, title: "Duration of runs", width: 12, height: 6, unit: "s",
			queries: []query{
				{"histogram_quantile(0.5, sum by (le) (increase(kymaros_test_duration_seconds_bucket" + of + "[$__range])))", "median"},
				{"histogram_quantile(0.95, sum by (le) (increase(kymaros_test_duration_seconds_bucket" + of + "[$__range])))", "95th percentile"},
			},
		},
	}}
}

func system() dashboard {
	quantile := func(q, by, bucket, window string) string {
		return "histogram_quantile(" + q + ", sum by (" + by + ", le) (rate(" + bucket + "[" + window + "])))"
	}
	return dashboard{file: "system.json", uid: "kymaros-system", title: "Kymaros: the system", from: "now-24h", panels: []panel{
		count("Controllers at work", "(max(kymaros_leading) or vector(0)) * (max(kymaros_prober_leading) or vector(0))", whole),
		count("Fence intact", "min(kymaros_fence_intact)", whole),
		count("Isolation proven", `max(kymaros_isolation_proof{state="proven"})`, whole),
		count("Waiting for their turn", "max(kymaros_waiting_tests)", nil),
		count("Left behind", "sum(max by (namespace, test) (kymaros_leaked_objects))", few),
		count("Line stalled", "max(kymaros_line_stalled)", none),
		{
			kind: bars, title: "Phases of runs: median", width: 12, height: 8, unit: "s",
			queries: []query{{quantile("0.5", "phase", "kymaros_phase_duration_seconds_bucket", "$__range"), "{{phase}}"}},
		},
		{
			kind: bars, title: "Phases of runs: 95th percentile", width: 12, height: 8, unit: "s",
			queries: []query{{quantile("0.95", "phase", "kymaros_phase_duration_seconds_bucket", "$__range"), "{{phase}}"}},
		},
		{
			kind: series, title: "Tests that wait for their turn", width: 12, height: 8, unit: "none",
			queries: []query{{"max(kymaros_waiting_tests)", "waiting"}},
		},
		{
			kind: series, title: "The longest wait in the line", width: 12, height: 8, unit: "s",
			queries: []query{{"max(time() - kymaros_waiting_since_timestamp_seconds)", "waits"}, {"max(kymaros_line_wait_seconds)", "of the last runs"}},
		},
		{
			kind: bars, title: "What went wrong", width: 24, height: 6, unit: "none",
			queries: []query{
				{"sum(increase(kymaros_missed_turns_total[$__range]))", "turns missed"},
				{"sum(increase(kymaros_velero_stalled_total[$__range]))", "Velero's server ended"},
				{"sum(increase(kymaros_leaked_objects_total[$__range]))", "objects left behind"},
			},
		},
		{
			kind: series, title: "Requests to the API server, by code", width: 12, height: 8, unit: "reqps",
			queries: []query{{`sum by (code) (rate(rest_client_requests_total{job=~".*kymaros.*"}[$__rate_interval]))`, "{{code}}"}},
		},
		{
			kind: series, title: "Latency of requests to the API server, 95th percentile", width: 12, height: 8, unit: "s",
			queries: []query{{quantile("0.95", "verb", `rest_client_request_duration_seconds_bucket{job=~".*kymaros.*"}`, "$__rate_interval"), "{{verb}}"}},
		},
		{
			kind: series, title: "Depth of queues", width: 12, height: 8, unit: "none",
			queries: []query{{`max by (name) (workqueue_depth{name=~"kymaros-.*"})`, "{{name}}"}},
		},
		{
			kind: series, title: "Retries of queues", width: 12, height: 8, unit: "ops",
			queries: []query{{`sum by (name) (rate(workqueue_retries_total{name=~"kymaros-.*"}[$__rate_interval]))`, "{{name}}"}},
		},
		{
			kind: series, title: "Work in queues, 95th percentile", width: 12, height: 8, unit: "s",
			queries: []query{{quantile("0.95", "name", `workqueue_work_duration_seconds_bucket{name=~"kymaros-.*"}`, "$__rate_interval"), "{{name}}"}},
		},
		{
			kind: series, title: "Memory", width: 12, height: 8, unit: "bytes",
			queries: []query{{`max by (pod) (process_resident_memory_bytes{job=~".*kymaros.*"})`, "{{pod}}"}},
		},
	}}
}
