package report

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// maxBlocked is how many workloads and pods a report names as blocked.
const maxBlocked = 128

// allBlocked returns all that the guards refused: what the controllers in the sandbox could not make, and bare pods.
func allBlocked(health v1alpha1.HealthStatus, s seen) []string {
	all := slices.Concat(health.Blocked, s.blocked.Pods)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxBlocked)]
}

// replacedPod finds a pod that the sandbox refused and in whose place a controller made another, in an entry of status.health.blocked.
var replacedPod = regexp.MustCompile(`^([^:]+): [^:]+: pod (\S+) is not that of the backup, which the sandbox refused: `)

// replaced returns those pods, "source/name".
func replaced(health *v1alpha1.HealthStatus) sets.Set[string] {
	all := sets.New[string]()
	if health == nil {
		return all
	}
	for _, entry := range health.Blocked {
		if found := replacedPod.FindStringSubmatch(entry); found != nil {
			all.Insert(found[1] + "/" + found[2])
		}
	}
	return all
}

// refusedClaim finds a claim that the quota of a sandbox or the fence refused, in an entry of status.health.blocked.
var refusedClaim = regexp.MustCompile(`^([^:]+): [^:]+: claim (\S+) is missing; (?:the quota|kymaros fence:) `)

// refusedClaims returns how many of the missing objects are such claims.
func refusedClaims(missing, blocked []string) int {
	n := 0
	for _, object := range missing {
		source, claim, ok := strings.Cut(object, ": PersistentVolumeClaim/")
		if ok && slices.ContainsFunc(blocked, func(b string) bool {
			found := refusedClaim.FindStringSubmatch(b)
			return found != nil && found[1] == source && found[2] == claim
		}) {
			n++
		}
	}
	return n
}
