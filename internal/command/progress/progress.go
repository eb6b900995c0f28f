// Package progress shows how far a run is, in one line of a terminal.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Bar is a line like
//
//	[===========>                  ]  312 of 800  9.1 images/s, 54 s left
//
// that is written over and over; of a run whose length nobody knows, which has a total of 0, it is "312 frames  9.1 frames/s". Its methods may be called from several goroutines. A nil Bar shows nothing.
type Bar struct {
	w     io.Writer
	unit  string // "images"
	total int
	width int // of the terminal, characters
	now   func() time.Time

	mu    sync.Mutex
	begin time.Time
	drawn time.Time
	shown bool
	done  int
}

// New begins a run of total units on a terminal of the given width.
func New(w io.Writer, unit string, total, width int) *Bar {
	return &Bar{w: w, unit: unit, total: total, width: width, now: time.Now, begin: time.Now()}
}

// Add counts units that are done, and draws at most ten times a second.
func (b *Bar) Add(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if now := b.now(); now.Sub(b.drawn) >= 100*time.Millisecond {
		b.drawn = now
		fmt.Fprint(b.w, "\r\x1b[K", b.line(now.Sub(b.begin)))
		b.shown = true
	}
}

// Clear removes the line, so that others may write; the next Add draws it again.
func (b *Bar) Clear() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.shown, b.drawn = false, time.Time{}
	}
}

func (b *Bar) line(elapsed time.Duration) string {
	if b.total == 0 {
		rate := float64(b.done) / max(elapsed.Seconds(), 1e-3)
		text := fmt.Sprintf("%d %s  %.*f %s/s", b.done, b.unit, digits(rate), rate, b.unit)
		return text[:min(len(text), max(b.width-1, 0))]
	}
	text := fmt.Sprintf("%*d of %d", len(fmt.Sprint(b.total)), b.done, b.total)
	if b.done > 0 && elapsed > 0 {
		rate := float64(b.done) / elapsed.Seconds()
		text += fmt.Sprintf("  %.*f %s/s, %s left", digits(rate), rate, b.unit, remaining(float64(b.total-b.done)/rate))
	}
	cells := min(b.width-len(text)-5, 40)
	if cells < 8 {
		return text[:min(len(text), max(b.width-1, 0))]
	}
	full := cells * b.done / max(b.total, 1)
	arrow := strings.Repeat("=", full)
	if full > 0 && full < cells {
		arrow = arrow[1:] + ">"
	}
	return fmt.Sprintf("[%-*s]  %s", cells, arrow, text)
}

// digits after the point, for two or three that count.
func digits(rate float64) int {
	switch {
	case rate < 1:
		return 2
	case rate < 10:
		return 1
	}
	return 0
}

func remaining(seconds float64) string {
	s := int(seconds + 0.5)
	switch {
	case s < 100:
		return fmt.Sprintf("%d s", s)
	case s < 100*60:
		return fmt.Sprintf("%d min", (s+30)/60)
	}
	return fmt.Sprintf("%d h", (s+1800)/3600)
}
