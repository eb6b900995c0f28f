package video

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
)

// programs are FFmpeg's.
type programs struct {
	ffmpeg  string
	ffprobe string // "": only the length of videos stays unknown
	version string
}

// ffmpeg is nil where it is not installed.
func ffmpeg() *Backend {
	p := findPrograms()
	if p == nil {
		return nil
	}
	return &Backend{
		Name: FFmpeg, About: fmt.Sprintf("ffmpeg %s (%s)", p.version, p.ffmpeg),
		open:   func(ctx context.Context, s Source, note func(string)) (Reader, error) { return p.open(ctx, s, note) },
		create: p.create,
	}
}

var findPrograms = sync.OnceValue(func() *programs {
	p := &programs{}
	var err error
	if p.ffmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		return nil
	}
	out, err := exec.Command(p.ffmpeg, "-version").Output()
	if err != nil {
		return nil
	}
	if fields := strings.Fields(string(out)); len(fields) > 2 { // ffmpeg version 5.1.9-0+deb12u1 Copyright …
		p.version = fields[2]
	}
	p.ffprobe, _ = exec.LookPath("ffprobe")
	return p
})

// passthrough are the arguments that keep every frame once, whatever its time. Version 5.1 renamed them; builds from the repository have no number.
func (p *programs) passthrough() []string {
	var major, minor int
	n, _ := fmt.Sscanf(strings.TrimPrefix(p.version, "n"), "%d.%d", &major, &minor)
	if n == 2 && (major < 5 || major == 5 && minor < 1) {
		return []string{"-vsync", "passthrough"}
	}
	return []string{"-fps_mode", "passthrough"}
}

// encoders that make files which everything plays, the best first: x264 and Cisco's H.264, Apple's and Microsoft's, and MPEG-4, which every FFmpeg has.
var encoders = [][]string{
	{"libx264", "-preset", "veryfast", "-crf", "18"},
	{"libopenh264", "-b:v", "8M"},
	{"h264_videotoolbox", "-q:v", "65"},
	{"h264_mf", "-b:v", "8M"},
	{"mpeg4", "-q:v", "3"},
}

// chooseEncoder gives the arguments of the first encoder that is there.
func (p *programs) chooseEncoder() []string {
	out, err := exec.Command(p.ffmpeg, "-hide_banner", "-encoders").Output()
	if err == nil {
		for _, e := range encoders {
			if bytes.Contains(out, []byte(" "+e[0]+" ")) {
				return append([]string{"-c:v"}, e...)
			}
		}
	}
	return nil // ffmpeg chooses
}
