#!/usr/bin/env bash
# Makes pan.mp4 out of a committed image: a window of 256×256 pixels that moves 12 pixels to the right each frame. Made with FFmpeg 5.1.9 and x264 164.
set -euo pipefail
cd "$(dirname "$0")"
ffmpeg -loglevel error -y -loop 1 -framerate 10 -i ../images/547ef286ee5f4e5d.png -vf 'crop=256:256:40+12*n:100' -frames:v 12 \
  -c:v libx264 -crf 16 -g 4 -bf 0 -pix_fmt yuv420p -movflags +faststart -map_metadata -1 -fflags +bitexact pan.mp4
# A part of it as phones record: stored on its side, with frames at uneven times. The second call only adds the rotation.
ffmpeg -loglevel error -y -i pan.mp4 -frames:v 6 -vf "crop=96:64,setpts='if(lt(N,3),N*0.1,N*0.3-0.4)/TB'" -fps_mode vfr -video_track_timescale 1000 \
  -c:v libx264 -crf 20 -bf 0 -pix_fmt yuv420p -fflags +bitexact unturned.mp4
ffmpeg -loglevel error -y -i unturned.mp4 -c copy -metadata:s:v rotate=90 -fflags +bitexact uneven.mp4
rm unturned.mp4
# Another part with pixels that are shown twice as wide as high, as broadcasts and DVDs have them. Made with FFmpeg 9.0.2.
ffmpeg -loglevel error -y -i pan.mp4 -frames:v 3 -vf crop=96:128,setsar=2/1 \
  -c:v libx264 -crf 20 -bf 0 -pix_fmt yuv420p -map_metadata -1 -fflags +bitexact wide.mp4
