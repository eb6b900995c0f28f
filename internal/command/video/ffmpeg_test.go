package video

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Lines of FFmpeg 5.1.9, and of others where they differ.
func TestWhatFFmpegSays(t *testing.T) {
	const said = `[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5608c9413a00] [warning] Packet corrupt (stream = 0, dts = -2048).
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:n:   0 pts: 1 pts_time:0 s:1x1 .mp4':
[Parsed_showinfo_2 @ 0x5575f010b600] [info] config in time_base: 1/10240, frame_rate: 30000/1001
[Parsed_showinfo_2 @ 0x5575f010b600] [info] n:   0 pts:      0 pts_time:0       pos:      914 fmt:rgb24 sar:0/1 s:256x144 i:P iskey:1 type:I checksum:EB0E124F plane_checksum:[EB0E124F] mean:[41] stdev:[26.5]
[Parsed_showinfo_2 @ 0x5575f010b600] [info]   side data - User Data Unregistered:
[Parsed_showinfo_2 @ 0x5575f010b600] [info] color_range:pc color_space:gbr color_primaries:unknown color_trc:unknown
[Parsed_showinfo_2 @ 0x5575f010b600] [info] n:   1 pts:   1024 pts_time:0.1     duration:   1024 duration_time:0.1     fmt:rgb24 cl:unspecified sar:64/45 s:256x144 i:P iskey:0 type:P checksum:5CA5A22A
[Parsed_showinfo_2 @ 00000241] [info] n:   2 pts:   NOPTS pts_time:NOPTS   fmt:rgb24 sar:0/1 s:256x144 i:P iskey:0 type:P
[h264 @ 0x5608c9431740] [error] Invalid NAL unit size (6314 > 392).
[error] file:a.mp4: No space left on device
[error] Error while decoding stream #0:0: Invalid data found when processing input
[fatal] Error marking filters as finished
[info] Conversion failed!
`
	var stamps []stamp
	var l log
	l.read(strings.NewReader(said), func(s stamp) { stamps = append(stamps, s) })
	rate := 30000.0 / 1001
	require.Equal(t, []stamp{
		{known: true, width: 256, height: 144, rate: rate},
		{known: true, time: 100 * time.Millisecond, width: 256, height: 144, rate: rate, aspect: Aspect{64, 45}},
		{width: 256, height: 144, rate: rate},
	}, stamps)
	require.Len(t, l.errors, 4)
	require.Equal(t, "No space left on device", l.last("file:a.mp4"))
	require.True(t, l.complete())
	require.Empty(t, new(log).last("file:a.mp4"))

	l.read(strings.NewReader("[error] Error writing trailer of file:a.mp4: No space left on device\n"), nil) // its exit code is 0
	require.False(t, l.complete())
}

func TestPassthroughByVersion(t *testing.T) {
	for version, want := range map[string]string{
		"4.4.2-0ubuntu0.22.04.1": "-vsync", "5.0": "-vsync", "5.1.9-0+deb12u1": "-fps_mode", "n6.1": "-fps_mode", "10.0": "-fps_mode",
		"N-112233-gabcdef": "-fps_mode", "2024-01-01-git-0123456789-full_build": "-fps_mode",
	} {
		require.Equal(t, want, (&programs{version: version}).passthrough()[0], version)
	}
}

func TestSources(t *testing.T) {
	for place, want := range map[string]struct {
		text, name, stem string
		url, live        bool
	}{
		"a/clip.mp4":                       {"a/clip.mp4", "clip.mp4", "clip", false, false},
		"a:b.mp4":                          {"a:b.mp4", "a:b.mp4", "a:b", false, false},
		".mp4":                             {".mp4", ".mp4", ".mp4", false, false},
		"https://x.org/v/c%20d.mp4?k=1":    {"https://x.org/v/c%20d.mp4?k=1", "c-d.mp4", "c-d", true, false},
		"rtsp://me:secret@10.0.0.7:554/ch": {"rtsp://me:xxxxx@10.0.0.7:554/ch", "ch", "ch", true, true},
		"rtsp://me:sec%et@10.0.0.7/ch":     {"rtsp://me:xxxxx@10.0.0.7/ch", "stream", "stream", true, true},
		"rtsp://me:sec#et@10.0.0.7/ch":     {"rtsp://me:xxxxx@10.0.0.7/ch", "stream", "stream", true, true},
		"RTSP://10.0.0.7":                  {"rtsp://10.0.0.7", "10-0-0-7", "10-0-0-7", true, true},
		"udp://@:1234":                     {"udp://@:1234", "stream", "stream", true, true},
	} {
		s := Source{Place: place}
		require.Equal(t, want.text, s.String())
		require.Equal(t, want.name, s.Name(), place)
		require.Equal(t, want.stem, s.Stem(), place)
		require.Equal(t, want.url, s.IsURL(), place)
		require.Equal(t, want.live, s.IsLive(), place)
	}
	camera := Source{IsCamera: true, Camera: 2}
	require.Equal(t, "camera 2", camera.String())
	require.Equal(t, "camera2", camera.Stem())
	require.True(t, camera.IsLive())
}
