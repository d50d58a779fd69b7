package notify

import "time"

// Failure is why a message did not arrive, or may not have. Send returns no other error. Its text is made of sentences of this package
// alone: it holds no address, no secret and no word of an answer, so it may be logged and be put into conditions. It is the same for
// the same cause.
type Failure struct {
	// Permanent: trying again does not help; something has to be changed first.
	Permanent bool
	// RetryAfter is how long the receiver asks to be left alone; 0: it does not say.
	RetryAfter time.Duration

	text string
}

// Error says what happened and what to do, as half a sentence that begins small.
func (f *Failure) Error() string { return f.text }
