package integration

import "fmt"

const newTest = "{apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, metadata: {name: new}, spec: {suspend: true, schedule: {cron: '@daily'}, sandbox: {}, backupSource: {provider: velero}}}"

// sourcesWith returns a spec with sixteen sources, that one in the given place.
func sourcesWith(one string, place int) string {
	list := ""
	for i := range 16 {
		name := fmt.Sprintf("fence-src-%02d", i)
		if i == place {
			name = one
		}
		list += fmt.Sprintf("{name: %s},", name)
	}
	return "backupSource: {namespaces: [" + list + "]}"
}

// deputyRows: whoever has others restore for them.
func deputyRows() []row {
	const secrets, execs, status, team = "kymaros-tests-secrets", "kymaros-tests-exec", "kymaros-tests-status", "fence-team"
	test := func(spec string) attempt { return creates(restoretests, team, with(newTest, "{spec: {"+spec+"}}")) }
	const checked, checks = ", healthChecks: {policyRef: web}", "kymaros-checks"
	check := func(name, kind string) attempt {
		return creates(checkpolicy, team, "{apiVersion: restore.kymaros.io/v1alpha1, kind: HealthCheckPolicy, metadata: {name: "+name+"}, spec: {checks: [{name: a, "+kind+"}]}}")
	}
	const runs, asks = "type: exec, exec: {podSelector: {app: db}, command: ['true']}", "type: tcpSocket, tcpSocket: {service: db, port: 80}"
	all := []row{
		{"a test of sixteen namespaces whose Secrets its author may read", tester, test(sourcesWith("", -1)), "", false},
		{"a test with checks of namespaces in which its author may run commands", tester, test(sourcesWith("", -1) + checked), "", false},
		{"a test of what its author may only read", tester, test("backupSource: {namespaces: [{name: fence-src-readable}]}"), "", false},
		{"a test of production by somebody who may not read it", tester, test("backupSource: {namespaces: [{name: fence-production}]}"), secrets, false},
		{"a test becomes one of production", tester, patches(restoretests, team+"/shop", "{spec: {backupSource: {namespaces: [{name: fence-team}]}}}"), secrets, false},
		{"a label on a test of production", tester, patches(restoretests, team+"/shop", labels("a: b")), "", false},
		{"a label on a test of production with checks", tester, patches(restoretests, team+"/checked", labels("a: b")), "", false},
		{"a test of production by an administrator", administrator, test("backupSource: {namespaces: [{name: fence-production}]}" + checked), "", false},
		{"a run is made up in the status", tester, patches(restoretests, team+"/shop", "{status: {phase: Running}}").on("status"), status, false},
		{"a run is made up by an administrator", administrator, patches(restoretests, team+"/shop", "{status: {phase: Running}}").on("status"), status, false},
		{"a test of old backups by somebody who may not have Velero restore", tester, test("backupSource: {allowOlderThanNamespace: true, namespaces: [{name: fence-src-readable}]}"), "kymaros-tests-older", false},
		{"a test that wants no old backups", tester, test("backupSource: {allowOlderThanNamespace: false, namespaces: [{name: fence-src-readable}]}"), "", false},
		{"a test becomes one of old backups", tester, patches(restoretests, team+"/moving", "{spec: {backupSource: {allowOlderThanNamespace: true}}}"), "kymaros-tests-older", false},
		{"a label on a test of old backups", tester, patches(restoretests, team+"/older", labels("a: b")), "", false},
		{"a test of old backups by an administrator", administrator, test("backupSource: {allowOlderThanNamespace: true, namespaces: [{name: fence-production}]}"), "", false},
		{"a policy that no test names", checker, check("new", runs), "", false},
		{"a policy that no test names is changed", checker, patches(checkpolicy, team+"/web", "{spec: {checks: [{name: a, "+runs+"}]}}"), "", false},
		{"a policy of a test of production", checker, patches(checkpolicy, team+"/commands", "{spec: {checks: [{name: a, "+asks+"}]}}"), checks, false},
		{"a policy of a test of production by its owner", owner, patches(checkpolicy, team+"/commands", "{spec: {checks: []}}"), checks, false},
		{"a policy of a test of production by an administrator", administrator, patches(checkpolicy, team+"/commands", "{spec: {checks: [{name: a, "+runs+"}]}}"), "", false},
		{"a policy of a test in whose sources its author may run commands", tester, check("place--1", runs), "", false},
		{"a policy of a run under way", tester, check("running", runs), checks, false},
		{"a policy of a run under way with other sources", tester, check("widened", runs), checks, false},
		{"a label on a policy of a test of production", checker, patches(checkpolicy, team+"/commands", labels("a: b")), "", false},
	}
	for i := range 16 {
		all = append(all,
			row{fmt.Sprintf("a test of production in place %d", i), tester, test(sourcesWith("fence-production", i)), secrets, false},
			row{fmt.Sprintf("a test with checks, in place %d where its author may only read", i), tester, test(sourcesWith("fence-src-readable", i) + checked), execs, false},
			row{fmt.Sprintf("a policy of a test in whose copy %d its author may not run commands", i), tester, check(fmt.Sprintf("place-%d", i), runs), checks, false})
	}
	return all
}
