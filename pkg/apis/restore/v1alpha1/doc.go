// Package v1alpha1 is the Kymaros API: RestoreTest says what to prove and when, HealthCheckPolicy says what a working
// application looks like, RestoreReport is the evidence of one run.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=com.github.kymaros.kymaros.pkg.apis.restore.v1alpha1
// +groupName=restore.kymaros.io
package v1alpha1
