package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Notifications are sent when a run ends, and when none verifies the backup in time; status.notifications tells of each. A test that has
// none gets those that an administrator chose for the whole installation; {} is to have none.
type Notifications struct {
	// OnFailure is told of every result but pass, of a score that fell, a recovery time that is too long (sla.alertOnExceed), a
	// backup that was not verified in time, leaked objects, and what a search for the last good backup has found. Whoever was told of one
	// of these is told when all is well again.
	// +optional
	// +listType=atomic
	OnFailure []NotificationChannel `json:"onFailure,omitempty"`
	// OnSuccess is told of the result pass.
	// +optional
	// +listType=atomic
	OnSuccess []NotificationChannel `json:"onSuccess,omitempty"`
	// RegressionPoints is by how many points a score may fall from one run to the next before OnFailure is told. Default 10.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	RegressionPoints *int32 `json:"regressionPoints,omitempty"`
}

// NotificationChannel is one receiver.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'email' || has(self.to) && size(self.to) > 0",message="email needs recipients: name them in to",fieldPath=".to"
// +kubebuilder:validation:XValidation:rule="self.type in ['slack', 'webhook', 'email'] || has(self.webhookSecretRef) && size(self.webhookSecretRef) > 0",message="names the Secret with the address or the key of the receiver",fieldPath=".webhookSecretRef"
type NotificationChannel struct {
	// Type of the receiver. An url is for what has no type of its own, such as ntfy, gotify, telegram, matrix or zulip.
	// +kubebuilder:validation:Enum=slack;webhook;pagerduty;teams;email;opsgenie;discord;url
	Type string `json:"type"`
	// Channel is the Slack channel.
	// +optional
	Channel string `json:"channel,omitempty"`
	// WebhookSecretRef names a Secret in the RestoreTest's namespace that holds the address under "url" or "webhook-url", for pagerduty
	// the key of an integration under "routing-key", for opsgenie one under "api-key".
	// +optional
	WebhookSecretRef string `json:"webhookSecretRef,omitempty"`
	// To are the recipients of an email. The relay is an administrator's.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=254
	// +kubebuilder:validation:items:Pattern=`^[^@\r\n]+@[^@\r\n]+$`
	To []string `json:"to,omitempty"`
	// OnlyChanges leaves out what the channel was told already: that a run failed, or passed, as did the one before.
	// +optional
	OnlyChanges bool `json:"onlyChanges,omitempty"`
}

// NotificationsStatus is written by notify. What it remembers here it knows after a restart.
type NotificationsStatus struct {
	// RunID is the last run whose verdict was told, or was nothing to tell.
	// +optional
	RunID string `json:"runID,omitempty"`
	// LeakedRunID is the last run of whose leaked objects that is so.
	// +optional
	LeakedRunID string `json:"leakedRunID,omitempty"`
	// LastGood is what the last search that was told of has found: a backup, or none. Absent since a run has passed.
	// +optional
	LastGood string `json:"lastGood,omitempty"`
	// OverdueSince is when the last run began that passed, or the test was created, when it was told that too much time had passed since.
	// +optional
	OverdueSince *metav1.Time `json:"overdueSince,omitempty"`
	// Told are the channels that know of trouble, and are told when it is over.
	// +optional
	// +listType=map
	// +listMapKey=channel
	// +kubebuilder:validation:MaxItems=64
	Told []ToldChannel `json:"told,omitempty"`
	// Deliveries, the newest last. Of those that are over only some are kept.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=64
	Deliveries []NotificationDelivery `json:"deliveries,omitempty"`
}

// ToldChannel is a channel that was told of trouble.
type ToldChannel struct {
	// Channel is that of the delivery.
	Channel string `json:"channel"`
	// Event is the last one of trouble that it was told of.
	Event NotificationEvent `json:"event"`
}

// NotificationDelivery is a message to a channel.
type NotificationDelivery struct {
	// ID is the same whenever the message is sent again, and of no other.
	ID string `json:"id"`
	// Channel is the type of the channel and the Secret that it names, never an address.
	Channel string `json:"channel"`
	// Event is the most severe one that the message tells of.
	Event NotificationEvent `json:"event"`
	// Also are the others.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Also []NotificationEvent `json:"also,omitempty"`
	// State of the delivery.
	// +kubebuilder:validation:Enum=Pending;Sent;Undeliverable;Withdrawn
	State DeliveryState `json:"state"`
	// Attempts counts how often it was tried. Of those that fail in the same way not every one is written down.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// LastError is why the last try failed, or why there is none any more. It never holds an address, a secret or an answer.
	// +optional
	LastError string `json:"lastError,omitempty"`
	// DecidedAt is when it was decided that the message is to be sent.
	DecidedAt metav1.Time `json:"decidedAt"`
	// Time is when it reached its state.
	Time metav1.Time `json:"time"`
	// Facts are what the message tells. They are kept until it is sent: by then the status may tell of another run.
	// +optional
	Facts *NotificationFacts `json:"facts,omitempty"`
}

// NotificationFacts are what a message tells of a run, or of a test between its runs. What is not known is left out.
type NotificationFacts struct {
	// RunID is empty between runs.
	// +optional
	RunID string `json:"runID,omitempty"`
	// Time is when what is told happened.
	Time metav1.Time `json:"time"`
	// Result of the run; between runs, of the last.
	// +optional
	Result Result `json:"result,omitempty"`
	// Previous is the result of the run before.
	// +optional
	Previous Result `json:"previous,omitempty"`
	// Score of the run, 0 to 100; between runs, of the last. Absent if that was inconclusive.
	// +optional
	Score *int32 `json:"score,omitempty"`
	// PreviousScore is that of the last run before it that has one.
	// +optional
	PreviousScore *int32 `json:"previousScore,omitempty"`
	// Reason of the result, or of the event, in one word.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Message is a sentence for people.
	// +optional
	Message string `json:"message,omitempty"`
	// BackupName is the backup that the run restored, or was to.
	// +optional
	BackupName string `json:"backupName,omitempty"`
	// BackupAge is how old the backup was when its restore began.
	// +optional
	BackupAge Duration `json:"backupAge,omitempty"`
	// RTO is the measured recovery time. Absent if the application did not recover.
	// +optional
	RTO Duration `json:"rto,omitempty"`
	// RTOTarget is sla.maxRTO.
	// +optional
	RTOTarget Duration `json:"rtoTarget,omitempty"`
	// NotTested counts what the run did not test of what a real restore brings back.
	// +optional
	NotTested int32 `json:"notTested,omitempty"`
	// Report is its name.
	// +optional
	Report string `json:"report,omitempty"`
	// Streak counts the runs in a row with that result.
	// +optional
	Streak int32 `json:"streak,omitempty"`
}

// NotificationEvent is why a message is sent.
//
// +kubebuilder:validation:Enum=failed;partial;verified;recovered;regressed;rtoExceeded;notVerified;leaked;lastGoodChanged
type NotificationEvent string

// Events.
const (
	// NotifyFailed: the result is fail.
	NotifyFailed NotificationEvent = "failed"
	// NotifyPartial: the result is partial, or inconclusive.
	NotifyPartial NotificationEvent = "partial"
	// NotifyVerified: the result is pass.
	NotifyVerified NotificationEvent = "verified"
	// NotifyRecovered: all is well again, and the channel was told that it was not.
	NotifyRecovered NotificationEvent = "recovered"
	// NotifyRegressed: the score fell by more than spec.notifications.regressionPoints.
	NotifyRegressed NotificationEvent = "regressed"
	// NotifyRTOExceeded: the recovery took longer than sla.maxRTO, and sla.alertOnExceed is set.
	NotifyRTOExceeded NotificationEvent = "rtoExceeded"
	// NotifyNotVerified: no run has passed for twice as long as the longest time between two of the schedule.
	NotifyNotVerified NotificationEvent = "notVerified"
	// NotifyLeaked: the run left objects behind; status.cleanup.leaked names them.
	NotifyLeaked NotificationEvent = "leaked"
	// NotifyLastGoodChanged: a search has found the newest backup that restores, or that none is known.
	NotifyLastGoodChanged NotificationEvent = "lastGoodChanged"
)

// DeliveryState is what became of a message.
type DeliveryState string

// States of a delivery.
const (
	// DeliveryPending: it is to be sent, for the first time or again.
	DeliveryPending DeliveryState = "Pending"
	// DeliverySent: the receiver has taken it.
	DeliverySent DeliveryState = "Sent"
	// DeliveryUndeliverable: it was given up.
	DeliveryUndeliverable DeliveryState = "Undeliverable"
	// DeliveryWithdrawn: it is not to be sent any more: the test does not name the channel any longer, or it was overtaken in a silence.
	DeliveryWithdrawn DeliveryState = "Withdrawn"
)
