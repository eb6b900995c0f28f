package video

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"strings"
)

// ffmpegEncoder hands raw pictures to the standard input of an ffmpeg process.
type ffmpegEncoder struct {
	process *exec.Cmd
	pixels  io.WriteCloser
	log     log
	said    chan struct{} // closed when ffmpeg has closed its standard error
	path    string
}

// asVideo makes even sides, and colours as players expect them: BT.709, which is what the file then says.
const asVideo = "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"

func (p *programs) create(path string, width, height int, o Output) (encoder, error) {
	filter := asVideo
	if a := o.PixelAspect; a != (Aspect{}) {
		filter += fmt.Sprintf(",setsar=%d/%d", a.Width, a.Height)
	}
	e := &ffmpegEncoder{path: "file:" + path, said: make(chan struct{})}
	arguments := []string{"-hide_banner", "-nostats", "-loglevel", logLevel, "-y",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", width, height), "-r", fmt.Sprint(o.Rate), "-i", "pipe:0", "-vf", filter}
	arguments = append(arguments, p.chooseEncoder()...)
	arguments = append(arguments, "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
		"-metadata", "comment="+o.Comment, "-f", "mp4", e.path)
	e.process = exec.Command(p.ffmpeg, arguments...)
	ownGroup(e.process)
	var err error
	if e.pixels, err = e.process.StdinPipe(); err != nil {
		return nil, err
	}
	said, err := e.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := e.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(e.said)
		e.log.read(said, func(stamp) {})
	}()
	return e, nil
}

func (e *ffmpegEncoder) write(m *image.RGBA) error {
	if _, err := e.pixels.Write(m.Pix); err != nil {
		return e.reason(err) // it has closed the pipe, because it could not go on
	}
	return nil
}

func (e *ffmpegEncoder) finish() error {
	e.pixels.Close()
	<-e.said
	err := e.process.Wait()
	if err == nil && !e.log.complete() {
		err = errors.New("the file is not complete")
	}
	if err != nil {
		return e.reason(err)
	}
	return nil
}

func (e *ffmpegEncoder) abort() {
	e.process.Process.Kill()
	e.pixels.Close()
	<-e.said
	e.process.Wait()
}

// reason is ffmpeg's last word.
func (e *ffmpegEncoder) reason(err error) error {
	e.pixels.Close()
	<-e.said
	if last := e.log.last(e.path); last != "" {
		return errors.New("ffmpeg: " + strings.ReplaceAll(last, " "+e.path, "")) // the temporary name says nothing
	}
	return fmt.Errorf("ffmpeg: %v", err) // a pipe that it has closed is not one that the user has closed
}
