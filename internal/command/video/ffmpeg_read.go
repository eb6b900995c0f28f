package video

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// ffmpegReader takes raw pictures from the standard output of an ffmpeg process, and their sizes and times from what it says on standard error.
type ffmpegReader struct {
	ctx    context.Context
	cancel context.CancelFunc
	source Source
	input  string // as ffmpeg calls it
	note   func(string)

	process *exec.Cmd
	pixels  io.Reader
	stamps  chan stamp // closed when ffmpeg has closed its standard error
	log     log
	ended   error // what Next says from then on

	info  Info
	exact bool          // the number of frames is no estimate
	next  *stamp        // of the first frame, which open has waited for
	first time.Duration // of the source's clock
	count int
}

// input gives the arguments that name a source, and the name itself.
func (s Source) input() (arguments []string, name string, err error) {
	switch {
	case s.IsCamera && runtime.GOOS == "linux":
		name = fmt.Sprintf("/dev/video%d", s.Camera)
		return []string{"-f", "v4l2", "-i", name}, name, nil
	case s.IsCamera && runtime.GOOS == "darwin":
		name = strconv.Itoa(s.Camera)
		return []string{"-f", "avfoundation", "-framerate", "30", "-i", name}, name, nil
	case s.IsCamera:
		return nil, "", errors.New("ffmpeg does not number the cameras of this system")
	case !s.IsURL():
		name = "file:" + s.Place // no other protocol, whatever the name looks like
		return []string{"-i", name}, name, nil
	case s.IsLive():
		if strings.HasPrefix(strings.ToLower(s.Place), "rtsp") {
			arguments = []string{"-rtsp_transport", "tcp"} // pictures lost on the way are worse than late ones
		}
		return append(arguments, "-fflags", "nobuffer", "-i", s.Place), s.Place, nil
	}
	return []string{"-i", s.Place}, s.Place, nil
}

func (p *programs) open(ctx context.Context, s Source, note func(string)) (*ffmpegReader, error) {
	input, name, err := s.input()
	if err != nil {
		return nil, err
	}
	r := &ffmpegReader{source: s, input: name, note: note, stamps: make(chan stamp, 1024)} // far more than ffmpeg holds between its filter and its output
	r.ctx, r.cancel = context.WithCancel(ctx)
	arguments := append([]string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", logLevel}, input...)
	// V: videos, not the cover of a song. The picture is as large as the source says, upright, in full colour resolution.
	arguments = append(arguments, "-map", "0:V:0", "-vf", "scale=flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24,showinfo")
	arguments = append(arguments, p.passthrough()...)
	r.process = exec.CommandContext(r.ctx, p.ffmpeg, append(arguments, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")...)
	ownGroup(r.process)
	if r.pixels, err = r.process.StdoutPipe(); err != nil {
		return nil, err
	}
	said, err := r.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := r.process.Start(); err != nil {
		r.cancel()
		return nil, err
	}
	go func() {
		defer close(r.stamps)
		r.log.read(said, func(s stamp) {
			select {
			case r.stamps <- s:
			case <-r.ctx.Done():
			}
		})
	}()
	first, ok := <-r.stamps
	if !ok {
		return nil, r.unreadable()
	}
	r.next, r.info = &first, Info{Width: first.width, Height: first.height, Rate: plausible(first.rate), PixelAspect: first.aspect}
	r.probe(p)
	return r, nil
}

// unreadable says why there is no first frame.
func (r *ffmpegReader) unreadable() error {
	err := r.ctx.Err()
	r.process.Wait()
	r.cancel()
	if err != nil {
		return err
	}
	for _, e := range r.log.errors {
		if strings.Contains(e, "matches no streams") {
			return errNoVideo
		}
	}
	if last := r.said(); last != "" {
		return errors.New(last)
	}
	return errors.New("no frame in it")
}

// probe asks ffprobe for the speed and the length of a source, which ffmpeg does not say in a form for programs.
func (r *ffmpegReader) probe(p *programs) {
	if p.ffprobe == "" || r.source.IsLive() {
		return
	}
	out, err := exec.CommandContext(r.ctx, p.ffprobe, "-v", "error", "-select_streams", "V:0",
		"-show_entries", "stream=avg_frame_rate,nb_frames,duration:format=duration", "-of", "json", "-i", r.input).Output()
	var said struct {
		Streams []struct {
			Rate     string `json:"avg_frame_rate"`
			Frames   string `json:"nb_frames"`
			Duration string `json:"duration"`
		} `json:"streams"`
		Format struct {
			Duration string `json:"duration"`
		} `json:"format"`
	}
	if err != nil || json.Unmarshal(out, &said) != nil || len(said.Streams) == 0 {
		return
	}
	s := said.Streams[0]
	if rate := plausible(quotient(s.Rate)); rate > 0 {
		r.info.Rate = rate
	}
	if n, err := strconv.Atoi(s.Frames); err == nil && n > 0 {
		r.info.Frames, r.exact = n, true
	} else if d, err := strconv.ParseFloat(cmp.Or(s.Duration, said.Format.Duration), 64); err == nil && d > 0 {
		r.info.Frames = int(d*r.info.Rate + 0.5)
	}
}

func (r *ffmpegReader) Info() Info { return r.info }

func (r *ffmpegReader) Next() (Frame, error) {
	if r.ended != nil {
		return Frame{}, r.ended
	}
	f, err := r.read()
	if err != nil {
		r.ended = err
	}
	return f, r.ended
}

func (r *ffmpegReader) read() (Frame, error) {
	s := r.next
	r.next = nil
	if s == nil {
		next, ok := <-r.stamps
		if !ok {
			return Frame{}, r.end()
		}
		s = &next
	}
	// Where the source changes the size of its pictures, ffmpeg scales them to that of the first one, after the filter that tells us.
	m := imageio.New(r.info.Width, r.info.Height)
	if _, err := io.ReadFull(r.pixels, m.Pix); err != nil {
		for range r.stamps { // until ffmpeg has ended
		}
		return Frame{}, r.end()
	}
	return Frame{Index: r.index(), Time: r.time(s), Picture: m}, nil
}

func (r *ffmpegReader) index() int {
	r.count++
	return r.count - 1
}

// time is that of a frame since the first one; where the source does not tell it, it follows from the speed.
func (r *ffmpegReader) time(s *stamp) time.Duration {
	if !s.known {
		rate := r.info.Rate
		if rate == 0 {
			rate = defaultRate
		}
		return time.Duration(float64(r.count-1) / rate * float64(time.Second))
	}
	if r.count == 1 {
		r.first = s.time
	}
	return s.time - r.first
}

// end says how ffmpeg ended: io.EOF, or what was wrong. A stream that does not wait is joined in the middle, and has errors at its beginning.
func (r *ffmpegReader) end() error {
	err := r.process.Wait()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	last := r.said()
	switch complete := r.exact && r.count >= r.info.Frames; {
	case err != nil:
		return &DamagedError{Frames: r.count, Of: r.announced(), Reason: cmp.Or(last, err.Error())}
	case last != "" && !complete && !r.source.IsLive():
		return &DamagedError{Frames: r.count, Of: r.announced(), Reason: last}
	case last != "":
		r.note("ffmpeg says: " + last)
	}
	return io.EOF
}

// announced is the number of frames, unless it is an estimate.
func (r *ffmpegReader) announced() int {
	if r.exact {
		return r.info.Frames
	}
	return 0
}

// said is ffmpeg's last word, without the password of a camera.
func (r *ffmpegReader) said() string {
	return strings.ReplaceAll(r.log.last(r.input), r.input, r.source.String())
}

// Close ends ffmpeg wherever it is.
func (r *ffmpegReader) Close() error {
	r.cancel()
	if r.ended == nil {
		r.ended = context.Canceled
		for range r.stamps {
		}
		r.process.Wait()
	}
	return nil
}
