package metrics

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// How an attempt to send a notification ends.
const (
	NotificationSent          = "sent"
	NotificationRetried       = "retried"
	NotificationUndeliverable = "undeliverable"
)

var (
	notifications = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "notifications_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of attempts to send a notification, by the type of the channel and how they ended: sent, retried (to be tried again) or undeliverable.",
	}, []string{"type", "outcome"})
	// Without labels, and a vector all the same: only the process that reads the file has it.
	defaults = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "notification_defaults_valid", StabilityLevel: metrics.ALPHA,
		Help: "Whether the file with the notifications of the installation can be used, or there is none, 1 or 0. While it cannot be used, what it said before counts.",
	}, nil)

	registerNotifications sync.Once
)

// RegisterNotifications makes the metrics of what is sent visible. It may be called more than once.
func RegisterNotifications() {
	registerNotifications.Do(func() { legacyregistry.MustRegister(notifications, defaults) })
}

// Notified counts an attempt.
func Notified(channelType, outcome string) {
	notifications.WithLabelValues(channelType, outcome).Inc()
}

// NotificationDefaults tells whether the file with the notifications of the installation can be used.
func NotificationDefaults(valid bool) {
	defaults.WithLabelValues().Set(is(valid))
}
