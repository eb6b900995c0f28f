// Package progress shows how far a run is: in one line of a terminal, or in a line of a log every half a minute.
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
// that is written over and over; of a run whose length nobody knows, which has a total of 0, it is "312 frames  9.1 frames/s". In a log it is, from time to time,
//
//	spinemask: 312 of 800 images, 9.1 images/s, 54 s left
//
// Its methods may be called from several goroutines. A nil Bar shows nothing.
type Bar struct {
	w      io.Writer
	unit   string // "images"
	total  int
	width  int    // of the terminal, characters
	log    bool   // lines of a log, not of a terminal
	prefix string // of lines of a log
	now    func() time.Time

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

// Lines of a log come this often; in a run of more than ten minutes as often as a twentieth of its time passes, so that a night's log stays short.
const (
	logEvery = 30 * time.Second
	logParts = 20
)

// NewLog begins a run of total units that is followed in a log, in which each line has a prefix. A run that ends within half a minute has none.
func NewLog(w io.Writer, prefix, unit string, total int) *Bar {
	b := New(w, unit, total, 0)
	b.log, b.prefix, b.drawn = true, prefix, b.begin
	return b
}

// Add counts units that are done, and draws at most ten times a second on a terminal.
func (b *Bar) Add(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if b.log {
		b.addToLog(b.now())
		return
	}
	if now := b.now(); now.Sub(b.drawn) >= 100*time.Millisecond {
		b.drawn = now
		fmt.Fprint(b.w, "\r\x1b[K", b.line(now.Sub(b.begin)))
		b.shown = true
	}
}

func (b *Bar) addToLog(now time.Time) {
	elapsed := now.Sub(b.begin)
	if now.Sub(b.drawn) < max(logEvery, elapsed/logParts) || b.total > 0 && b.done >= b.total {
		return
	}
	b.drawn = now
	rate := float64(b.done) / elapsed.Seconds()
	of := ""
	if b.total > 0 {
		of = fmt.Sprintf(" of %d", b.total)
	}
	fmt.Fprintf(b.w, "%s%d%s %s, %.*f %s/s", b.prefix, b.done, of, b.unit, digits(rate), rate, b.unit)
	if b.total > 0 && b.done > 0 {
		fmt.Fprintf(b.w, ", %s left", remaining(float64(b.total-b.done)/rate))
	}
	fmt.Fprintln(b.w)
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
