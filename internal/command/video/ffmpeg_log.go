package video

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logLevel makes ffmpeg say of each line how important it is.
const logLevel = "level+info"

// A stamp is what ffmpeg's filter showinfo says of a frame.
type stamp struct {
	time          time.Duration
	known         bool // the time
	width, height int
	rate          float64 // frames a second, as the filter expects; 0: unknown
	aspect        Aspect  // of a pixel
}

// A log is what ffmpeg has said. Its fields are read when ffmpeg has ended.
type log struct {
	rate   float64 // of the next frame
	errors []string
}

var (
	message    = regexp.MustCompile(`^(?:\[[^\]]+ @ (?:0x)?[0-9a-f]+\] )?\[(error|fatal|panic)\] (.*)$`)
	frameLine  = regexp.MustCompile(`\[info\] n: *\d+ pts: *\S+ pts_time:(\S+) .* sar:(\d+)/(\d+) s:(\d+)x(\d+) `)
	configLine = regexp.MustCompile(`\[info\] config in time_base: \S+ frame_rate: (\d+)/(\d+)`)
)

// read follows ffmpeg until it closes its standard error, and hands the stamps of frames on.
func (l *log) read(r io.Reader, frame func(stamp)) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		l.line(strings.TrimRight(line, "\r\n"), frame)
		if err != nil {
			return
		}
	}
}

func (l *log) line(line string, frame func(stamp)) {
	if m := frameLine.FindStringSubmatch(line); m != nil {
		s := stamp{rate: l.rate}
		if seconds, err := strconv.ParseFloat(m[1], 64); err == nil { // else NOPTS
			s.time, s.known = time.Duration(seconds*float64(time.Second)), true
		}
		s.aspect.Width, _ = strconv.Atoi(m[2]) // 0/1 where the source does not say it
		s.aspect.Height, _ = strconv.Atoi(m[3])
		if s.aspect.Width == 0 || s.aspect.Height == 0 || s.aspect.Width == s.aspect.Height {
			s.aspect = Aspect{}
		}
		s.width, _ = strconv.Atoi(m[4])
		s.height, _ = strconv.Atoi(m[5])
		frame(s)
	} else if m := configLine.FindStringSubmatch(line); m != nil {
		l.rate = quotient(m[1] + "/" + m[2])
	} else if m := message.FindStringSubmatch(line); m != nil {
		l.errors = append(l.errors, m[2])
		if len(l.errors) > 100 { // a long damaged video has many
			l.errors = l.errors[50:]
		}
	}
}

// empty are errors that only say that there was one before.
var empty = regexp.MustCompile(`^(Error (marking filters|while (decoding|filtering)|opening (input|output) files?|initializing output stream)|Cannot determine format|Task finished|Terminating thread|Conversion failed)`)

// unfinished are errors after which ffmpeg 5.1 ends as if all were good: the disk was full when the end of the file was written.
var unfinished = regexp.MustCompile(`^Error (writing|closing) `)

// complete says that ffmpeg had no trouble with the end of the file that it wrote.
func (l *log) complete() bool { return !slices.ContainsFunc(l.errors, unfinished.MatchString) }

// last is the last error that says something, without the name of the file that it may begin with.
func (l *log) last(name string) string {
	for i, e := range slices.Backward(l.errors) {
		if !empty.MatchString(e) || i == 0 {
			return strings.TrimPrefix(e, name+": ")
		}
	}
	return ""
}

// quotient is the value of a text like 30000/1001, 0 if there is none.
func quotient(text string) float64 {
	a, b, _ := strings.Cut(text, "/")
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err != nil || err2 != nil || y == 0 {
		return 0
	}
	return x / y
}
