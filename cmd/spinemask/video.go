package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/internal/command/video"
)

type videoFlags struct {
	modelFlags
	out       string
	jsonl     string
	camera    int
	live      bool
	every     int
	maxFrames int
	backend   string

	quiet   bool
	verbose bool
}

// noCamera, as --camera, means that the source is named.
const noCamera = -1

func newVideo(t *talk) *cobra.Command {
	var f videoFlags
	cmd := &cobra.Command{
		Use:   "video SOURCE -o FOLDER",
		Short: "Find the instances in the frames of a video, a camera or a stream",
		Long: `Find the instances in the frames of a video, a camera or a stream. SOURCE is a
file, a URL (rtsp://, http://, udp://, …), or a device like /dev/video0; instead of
it, --camera 0 is the first camera.

With -o FOLDER, the folder gets
  NAME.mp4       the video with the instances drawn on it
  NAME.jsonl     a line of JSON for each frame: its number from 0 as id, its time in
                 seconds, its instances with boxes and masks, in stored pixels
which have these names when they are complete. With -o FILE.mp4 there is only the
video. --jsonl FILE, or --jsonl - for standard output, gets the lines as soon as a
frame is finished.

Every frame is looked at, however long that takes. With --live, which is always on
for cameras and their streams, frames that come while others are at work are
dropped, but for the newest; a recording is then played at its own speed. In the
video, the frames before gaps stand still for as long.

Frames go through the model as their pixels are stored, upright. Where pixels are not
square when the video is played (a sample aspect ratio other than 1:1), those of
NAME.mp4 are not either; OpenCV cannot say that in a file.

Videos are read and written by the program ffmpeg, or by OpenCV if spinemask was
built with the tag gocv; spinemask info says which are there.

The exit code is 0 if all is good, 1 if the run could not start or go on, 2 if the
source is damaged or cut off, 130 if it was interrupted; the frames until then are
in the files.`,
		Example: `  spinemask video clip.mp4 -o out
  spinemask video clip.mp4 -o marked.mp4 --every 5
  spinemask video clip.mp4 --jsonl - | jq '.instances | length'
  spinemask video rtsp://user:password@microscope/1 -o out
  spinemask video --camera 0 -o out`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := positive(cmd.Flags()); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			source, err := f.source(args)
			if err != nil {
				return err
			}
			t.quiet, t.verbose = f.quiet, f.verbose
			f.scoreGiven = cmd.Flags().Changed("score")
			return f.run(cmd.Context(), t, cmd.OutOrStdout(), source)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "", "output `folder`, made if there is none, or FILE.mp4; - is the same as --jsonl -")
	fl.StringVar(&f.jsonl, "jsonl", "", "`file` that gets a line of JSON as soon as a frame is finished; - for standard output")
	fl.IntVar(&f.camera, "camera", noCamera, "look through the camera of this `number`; the first is 0")
	fl.BoolVar(&f.live, "live", false, "drop frames to keep up")
	fl.IntVar(&f.every, "every", 1, "look at each `n`-th frame only")
	fl.IntVar(&f.maxFrames, "max-frames", 0, "stop after this many `frames` (default: all)")
	f.findingFlags(fl, "a frame")
	f.runFlags(cmd, "frames")
	fl.StringVar(&f.backend, "backend", "", "what reads and writes videos: "+video.FFmpeg+", or "+video.OpenCV+" where it is built in (default: "+video.OpenCV+", then "+video.FFmpeg+")")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what was found in each frame, and in what time")
	fl.Lookup("camera").DefValue = "0" // as if it had none: help is not to show noCamera
	return cmd
}

func (f *videoFlags) check() error {
	if f.out == "-" {
		if f.jsonl != "" && f.jsonl != "-" {
			return hinted{fmt.Errorf("--jsonl %s and -o -: both say where lines go", f.jsonl), "leave one of them away"}
		}
		f.out, f.jsonl = "", "-"
	}
	if f.out == "" && f.jsonl == "" {
		return hinted{errors.New("no output"), "add -o out, or --jsonl - for JSON lines on standard output"}
	}
	return f.modelFlags.check()
}

// source is what the arguments name.
func (f *videoFlags) source(args []string) (video.Source, error) {
	s := video.Source{IsCamera: f.camera != noCamera, Camera: f.camera}
	switch {
	case s.IsCamera && len(args) > 0:
		return s, fmt.Errorf("--camera %d and %q: want one source", f.camera, args[0])
	case s.IsCamera:
		return s, nil
	case len(args) == 0:
		return s, hinted{errors.New("no video named"), "spinemask video clip.mp4 -o out, or --camera 0"}
	case len(args) > 1:
		return s, fmt.Errorf("%q and %q: want one source", args[0], args[1])
	}
	s.Place = args[0]
	if s.IsURL() {
		return s, nil
	}
	var number int
	if n, err := fmt.Sscanf(s.Place+" ", "/dev/video%d ", &number); n == 1 && err == nil {
		return video.Source{IsCamera: true, Camera: number}, nil
	}
	st, err := os.Stat(s.Place)
	switch {
	case err != nil:
		return s, reason(s.Place, err)
	case st.IsDir():
		return s, hinted{fmt.Errorf("%s is a folder", s.Place), "spinemask segment looks at folders of images; spinemask video at one video"}
	}
	return s, nil
}
