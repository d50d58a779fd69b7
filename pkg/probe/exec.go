package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/exec"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// nodePatience is how long a node may take to answer whether it is there.
const nodePatience = 5 * time.Second

// maxOutput bounds how much of a command's output is held for matching, in bytes.
const maxOutput = 64 << 10

// execCommand passes when the command ends with the expected code and prints what is expected.
func (p *Prober) execCommand(ctx context.Context, among []v1alpha1.SandboxNamespace, check *v1alpha1.ExecCheck) (passed, error) {
	selector := labels.SelectorFromSet(check.PodSelector).String()
	pods, sandbox, err := locate(ctx, p, among, "a pod with "+selector, func(ctx context.Context, namespace string) ([]corev1.Pod, bool, error) {
		pods, err := p.pods(ctx, namespace, check.PodSelector)
		return pods, len(pods) > 0, err
	})
	if err != nil {
		return passed{}, err
	}
	pod := choose(pods)
	if pod == nil {
		return passed{}, fmt.Errorf("no pod with %s is running in %s (%d exist)", selector, where(sandbox), len(pods))
	}
	container, err := chooseContainer(pod, check.Container)
	if err != nil {
		return passed{}, err
	}

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stdout := io.Discard
	output := &capped{overflow: func() { stop(errTooLong) }}
	if check.Expect != nil {
		stdout = output
	}
	err = p.exec(ctx, pod.Namespace, pod.Name, container, check.Command, stdout)
	if errors.Is(context.Cause(ctx), errTooLong) {
		return passed{}, told{errTooLong}
	}
	var ended exec.CodeExitError
	code := 0
	switch {
	case errors.As(err, &ended):
		code = ended.Code
	case err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) && p.silent(ctx, pod):
		return passed{}, told{untold{fmt.Errorf("exec in pod %s, container %s: its node %s stopped answering before the command ended", pod.Name, container, pod.Spec.NodeName)}}
	case err != nil && noProgram(err):
		return passed{}, finalf("container %s of pod %s has no program %s", container, pod.Name, check.Command[0])
	case err != nil:
		return passed{}, fmt.Errorf("exec in pod %s, container %s: %w", pod.Name, container, unreached(err))
	}
	more := several(pods)
	if code != int(check.SuccessExitCode) {
		return passed{}, fmt.Errorf("exit code %d, expected %d%s", code, check.SuccessExitCode, more)
	}
	as := ""
	if check.Expect != nil {
		if err := match(check.Expect, strings.TrimSpace(output.held.String())); err != nil {
			return passed{}, err
		}
		as = ", output as expected"
	}
	out := passed{message: fmt.Sprintf("exit code %d%s%s", code, as, more)}
	if check.ReadsVolumes {
		for _, claim := range mounted(pod, container) {
			out.volumes = append(out.volumes, sandbox.Source+": "+claim)
		}
	}
	return out, nil
}

// mounted returns the claims whose volumes a container has whole, sorted.
func mounted(pod *corev1.Pod, container string) []string {
	of := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			of[v.Name] = v.PersistentVolumeClaim.ClaimName
		}
	}
	claims := sets.New[string]()
	for _, c := range running(pod) {
		if c.Name != container {
			continue
		}
		for _, m := range c.VolumeMounts {
			if m.SubPath == "" && m.SubPathExpr == "" {
				claims.Insert(of[m.Name])
			}
		}
		for _, d := range c.VolumeDevices {
			claims.Insert(of[d.Name])
		}
	}
	return sets.List(claims.Delete(""))
}

// silent tells whether the node of a pod does not answer any more, of which nobody tells a stream that is open. ctx may have ended.
func (p *Prober) silent(ctx context.Context, pod *corev1.Pod) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), nodePatience)
	defer cancel()
	_, hangUp, err := p.dial(ctx, pod.Namespace, pod.Name)
	if err == nil {
		hangUp()
		return false
	}
	return ctx.Err() != nil || backendLost(err)
}

// noProgram recognises what container runtimes say, at great length, of a command that cannot be started.
func noProgram(err error) bool {
	return strings.Contains(err.Error(), "executable file not found") || strings.Contains(err.Error(), "no such file or directory")
}

// choose returns the first pod that is ready, else the first that runs, else nil.
func choose(pods []corev1.Pod) *corev1.Pod {
	var other *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		if isReady(pod) {
			return pod
		}
		if other == nil && pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
			other = pod
		}
	}
	return other
}

func chooseContainer(pod *corev1.Pod, name string) (string, error) {
	all := running(pod)
	if name == "" {
		return all[0].Name, nil
	}
	if slices.ContainsFunc(all, func(c corev1.Container) bool { return c.Name == name }) {
		return name, nil
	}
	var known []string
	for _, c := range all {
		known = append(known, c.Name)
	}
	return "", finalf("pod %s has no container %q (it has %s)", pod.Name, name, strings.Join(known, ", "))
}

var errTooLong = fmt.Errorf("the output is longer than %d KiB, so it was not matched", maxOutput>>10)

// capped holds output up to maxOutput, and reports it when more comes. It is no bytes.Buffer itself: io.Copy would then
// find its ReadFrom, which knows no bound.
type capped struct {
	held     bytes.Buffer
	overflow func()
}

func (c *capped) Write(p []byte) (int, error) {
	if c.held.Len()+len(p) > maxOutput {
		c.overflow()
		return len(p), nil
	}
	return c.held.Write(p)
}
