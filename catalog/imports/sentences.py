"""What an import stores about its file and its rows: its sentences, for those who read them in another language.

Importers write plain English, with the file's name and values in it. A test compares their sentences with these.
"""

from common.stored_text import register_sentences

ABOUT_FILES = (
    "%(file)s holds no rows; there is nothing to import.",
    "%(file)s is empty.",
    "%(file)s holds %(n)s files; at most %(most)s are accepted.",
    "%(file)s unpacks to far more than its size, as only a trap does; it was not imported.",
    "%(file)s holds a file with an unsafe path (%(path)s); it was not unpacked.",
    "%(file)s is locked with a password; unlock it first.",
    "%(file)s is packed in an unusual way; pack its files again as an ordinary zip.",
    "%(file)s is not a file.",
    "%(file)s cannot be read: %(problem)s.",
    "%(file)s is damaged: it cannot be unpacked to its end.",
    "%(file)s is damaged: it cannot be unpacked.",
    "%(file)s is not a zip file; the HetRec set is published as one.",
    "%(file)s is not the HetRec Last.fm set: %(missing)s is missing.",
    "%(file)s is no export of Pano Scrobbler.",
    "%(file)s is no export of Musicrec.",
    "%(file)s is no export of %(source)s.",
    "%(file)s is a zip file; a list of plays comes as JSON.",
    "%(file)s is no list of plays: %(problem)s.",
    "%(file)s holds loved songs, not scrobbles.",
    "%(file)s is no list of loved songs of Last.fm.",
    "%(file)s is a zip file; Last.fm scrobbles come as a CSV file.",
    "%(file)s is not a Last.fm export: it has no columns with artist, track and time (such "
    "as artist,album,track,date with times after September 2002).",
    "%(file)s writes dates such as %(date)s, which can be read in two ways; write the year "
    "first, then month and day.",
    "%(file)s is no list of scrobbles: in its column for the time, %(value)s is no moment "
    "after September 2002.",
    "%(file)s is no list of scrobbles: %(value)s in its last column is a count or a year, "
    "not a time after September 2002. Export the scrobbles themselves, each with its time.",
    "%(file)s could be read in two ways: both its first and its last column look like "
    "times. Put the line artist,album,track,date on top, in the order of its columns.",
    "%(file)s writes the day first in some dates and the month in others; write the year "
    "first in all.",
    "%(file)s is no list of scrobbles: its columns are called %(names)s. Where they are artist, "
    "title and the time of a play, call them artist, track and date.",
    "%(file)s is no list of scrobbles: %(problem)s.",
    "%(file)s is not a text file.",
    "%(file)s is not UTF-8 text (line %(line)s has the byte %(byte)s); save it as UTF-8.",
    "%(file)s is not a ListenBrainz export: its first line is no listen.",
    "%(file)s is not a ListenBrainz export: it has no listens inside.",
    "%(file)s is not a ListenBrainz export: %(problem)s.",
    "%(file)s is no .scrobbler.log: it does not begin with #AUDIOSCROBBLER.",
    "%(file)s is no backup of Playback Reporting.",
    "%(file)s holds the playback of %(n)s users; keep the lines of one user and bring these.",
    "%(file)s is no M3U playlist: it does not begin with #EXTM3U.",
    "%(file)s is no JSPF playlist: it has no playlist with tracks.",
    "%(file)s is no XSPF playlist.",
    "The playlist has a document type, which no player writes; it was not read.",
    "The playlist is nested too deeply.",
    "%(file)s is no table of %(service)s.",
    "%(file)s is Apple Music's Play Activity without the artists' names; the file “Apple "
    "Music - Play History Daily Tracks.csv” of the same export has them: bring that one.",
    "%(file)s is no list of artists and titles.",
    "%(file)s is not a %(kind)s: its entries have no %(names)s.",
    "%(file)s is not a %(kind)s: it has no file of that name inside.",
    "%(file)s is not a CSV file: in its header %(problem)s.",
    "%(file)s is not a CSV file: %(problem)s.",
    "%(file)s is not a %(kind)s: %(problem)s.",
    "%(file)s is a zip file; a CSV file (or .csv.gz) is expected.",
    "%(file)s has no column for the %(column)s (looked for %(names)s); name it with "
    "--%(option)s-column.",
    "%(file)s has no column %(column)s; it has %(names)s.",
    "%(file)s is no Google Takeout: it has no watch-history.json inside.",
    "%(file)s is no watch history of Google Takeout.",
    "%(file)s is no watch history of Google Takeout: %(problem)s.",
    "%(file)s is YouTube's watch history as a web page. Ask Google Takeout for it again "
    "with the format JSON (“YouTube and YouTube Music” → “Multiple formats” → history: "
    "JSON).",
    "%(file)s is no listening history that is known here, and no list of likes or playlist."
    " Spotify, ListenBrainz, Last.fm, YouTube Music, Apple Music, Deezer, Tidal, Maloja, "
    "Koito, Jellyfin, players' logs, Exportify, TuneMyMusic, Soundiiz, M3U, JSPF and XSPF "
    "are; docs/importing.md says which of their files.",
    "%(file)s is an Excel workbook. Open it, go to the sheet with the listening history "
    "(Deezer: “10_listeningHistory”), save that sheet as CSV and bring the CSV.",
    "%(file)s is Apple's whole export. Unpack it and bring “Apple Music - Play History "
    "Daily Tracks.csv” out of the folder “Apple Music Activity”.",
    "%(file)s holds a video history of Spotify only; bring the zip with the "
    "Streaming_History_Audio files.",
    "%(file)s holds music and no list of what was played.",
    "%(file)s is a zip of tables; unpack it and bring the tables one by one.",
    "%(file)s is a zip without a history that is known here; unpack it and bring the file "
    "with the history.",
    "%(file)s is a library of iTunes or Apple Music, which says how often and not when. "
    "Bring “Apple Music - Play History Daily Tracks.csv” out of the export at "
    "privacy.apple.com, or a playlist as M3U8.",
    "%(file)s is the library of Apple Music, which says how often and not when. Bring "
    "“Apple Music - Play History Daily Tracks.csv” and “Apple Music - Favorites.csv” of the"
    " same export.",
    "%(file)s is a playlist of YouTube, which names videos and no songs. Bring "
    "“music-library-songs.csv” of the same export.",
    "%(file)s is a PLS playlist, which names files and rarely songs. Save it as M3U8 with "
    "your player and bring that.",
    "%(file)s is a playlist of Windows Media Player. Save it as M3U8 and bring that.",
    "%(file)s is a database. Export the history with the program that made it, as JSON or CSV.",
    "%(file)s is a PDF. Ask the service for its data export (JSON or CSV) and bring that.",
    "%(file)s is a web page. Ask the service for its data export (JSON or CSV) and bring that.",
    "%(file)s is a list of play counts, not of plays with their times. Export the scrobbles"
    " themselves.",
    "%(file)s is a history of Spotify without a whole entry in its first part; unpack the zip"
    " again, or ask for the export anew.",
    "%(file)s is not UTF-8 text (line %(line)s has the byte %(byte)s) and looks like "
    "%(encoding)s; save it as UTF-8.",
    "%(file)s is not UTF-8 text and looks like %(encoding)s; save it as UTF-8.",
    "%(file)s has the names of its columns and no row below them.",
    "%(file)s is no history of Tautulli.",
    "%(file)s is a picture or music. Bring the export of what you played, as JSON, CSV or zip.",
    "%(file)s is a document of a word processor. Save the list in it as CSV and bring that.",
    "%(file)s is no zip of files that are known here.",
    "%(file)s holds no history, likes or playlist that is known here",
    "only the first %(n)s of the %(number)s files in the zip are read",
    "%(file)s holds the history of %(n)s users; export it for one user and bring that.",
    "%(file)s is no playlist of iTunes.",
    "%(file)s is a document of LibreOffice. Open it, go to the sheet with the songs, save"
    " that sheet as CSV and bring the CSV.",
    "%(file)s is a document of Apple's Numbers. Open it, export it as CSV and bring the CSV.",
    "%(file)s holds another zip or archive; unpack it and bring what is inside.",
    "%(file)s is a tar archive; unpack it and bring the file with the history.",
    "%(file)s is an archive within an archive, or a 7z or RAR archive; unpack it and "
    "bring the file with the history.",
    "%(file)s is an old Excel workbook. Open it, go to the sheet with the songs, save "
    "that sheet as CSV and bring the CSV.",
    "%(file)s is foobar2000's playback statistics, which name no songs. Export the "
    "scrobbles themselves, or a playlist as M3U8.",
    "%(file)s is a list of two names a line, which does not say which is the artist and "
    "which the title. Export it as CSV, or put artist,title on top and a comma in place "
    "of each dash.",
)
"""Why a file as a whole was refused."""

ABOUT_ROWS = (
    "it is not a JSON array",
    "it is damaged or cut off",
    "it is not UTF-8 text",
    "it is damaged",
    "%(file)s cannot be read further: %(problem)s",
    "the entry is no JSON",
    "the entry is no JSON or longer than %(n)s MB",
    "the line is not JSON",
    "the entry is nested too deeply",
    "the entry is not an object",
    "the line is not an object",
    "the file cannot be read further: %(problem)s",
    "the time is missing",
    "the day is missing",
    "it stands above the names of the columns",
    "it has %(n)s cells where at least %(least)s are expected",
    "it has %(n)s cells where %(wanted)s are expected",
    "it has %(n)s cells where the header has %(wanted)s",
    "a quote is opened and not closed at the end of its cell",
    "the line has a NUL character",
    "the line is not UTF-8 text",
    "the line is longer than %(n)s kB",
    "the listen has no track_metadata",
    "the score is neither 1 nor -1",
    "the song is named by an id only that no listen in the file has",
    "%(value)s is no kind of control",
    "%(value)s is not play, skip, like or dislike",
    "discovery is a number from 0 to 1",
    "the rule %(name)s is a number from %(lowest)s to %(highest)s",
    "the rating %(value)s is neither L nor S",
    "it is no line of Playback Reporting",
    "the song is not named as “Artist - Title (Album)”",
    "the song is not named as “Artist - Title”",
    "neither a line #EXTINF nor the path names artist and title",
    "the played time is not a number of milliseconds",
    "the playlist has no name",
    "the song id is empty",
    "the Spotify id %(value)s is none",
    "the MusicBrainz id %(value)s is none",
    "the row has unknown ids",
    "the time is not a finite number",
    "the time is not between 2002 and 2100",
    "the time %(value)s is not between 2002 and 2100",
    "the time %(value)s is a spreadsheet's number of a day; save its column as 2026-08-24 14:07:00",
    "the time %(value)s cannot be read; use 2026-08-24 14:07:00 or Unix seconds",
    "the time %(value)s is a day without the time of day",
    "the time %(value)s can be read in two ways; write the year first, then month and day",
    "the time is in the future",
    "tempo is %(value)s; it must be 0 to 400 beats per minute",
    "%(what)s is %(value)s; it must be %(lowest)s to %(highest)s",
    "%(what)s is %(value)s, not a number",
    "the %(what)s is longer than %(n)s characters",
    "the %(what)s is empty",
    "the %(what)s has signs that cannot be printed",
    "the %(what)s is missing",
    "a playlist needs a listener whose it is",
    "a setting needs a listener whose it is",
    "the song cannot be added to the catalog",
    "a playlist holds at most %(n)s songs",
    "the song cannot be added: another song has one of its ids",
    "song %(key)s is not in the catalog; import the songs first",
    "another song took one of its ids at the same moment; import it again",
    "no song of the catalog has that id",
    "song %(key)s has the same MusicBrainz or Spotify id",
    "what it names, %(name)s, is not in the catalog",
    "%(what)s %(value)s can be read in two ways; write it with a point",
    "%(what)s %(value)s is no whole number",
    "song",
    "title",
    "artist",
    "album",
    "listener",
    "name",
    "year",
    "song id",
    "name of the playlist",
    "name that was picked",
)
"""Why a row was rejected, and the words in it."""

KINDS_OF_FILES = (
    "CSV table of listens",
    "CSV table of songs",
    "Last.fm scrobbles or loved songs (JSON)",
    "Maloja export",
    "Koito export",
    "List of plays (JSON)",
    "Last.fm scrobbles (CSV)",
    "Last.fm loved songs (CSV)",
    "ListenBrainz export",
    "Musicrec: my data",
    "Player's log (.scrobbler.log)",
    "Jellyfin or Emby Playback Reporting (TSV)",
    "Deezer listening history (CSV)",
    "Tidal streaming history (CSV)",
    "YouTube Music library (CSV)",
    "List of songs (CSV)",
    "Spotify extended streaming history",
    "Spotify account data",
    "Spotify account export",
    "Playlist (CSV of Musicrec)",
    "Exportify (likes, playlists)",
    "Soundiiz (likes, playlists)",
    "TuneMyMusic (likes, playlists)",
    "artists and titles",
    "YouTube Music's library",
    "Apple Music's daily tracks",
    "Apple Music's play history",
    "Apple Music's play activity",
    "Apple Music's favorites",
    "Plex, by Tautulli (JSON)",
    "Playlist of iTunes or Music (text)",
    "Zip of several files",
)
"""What a file is, by its importer."""

WHERE = "%(problem)s (%(where)s)"
"""A reason in a file of an archive."""

register_sentences((*ABOUT_FILES, *ABOUT_ROWS, *KINDS_OF_FILES, WHERE))
