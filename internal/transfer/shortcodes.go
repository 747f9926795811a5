package transfer

import "strings"

// shortcodes are Slack's names of the emojis that are used most. Others stay as they stand in texts, and are
// left out as reactions.
var shortcodes = func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(shortcodeTable) {
		if e, names, found := strings.Cut(strings.TrimSpace(line), " "); found {
			for _, name := range strings.Fields(names) {
				m[name] = e
			}
		}
	}
	return m
}()

const shortcodeTable = `
👍 +1 thumbsup thumbs_up
👎 -1 thumbsdown
❤️ heart
😂 joy
🤣 rolling_on_the_floor_laughing rofl
😀 grinning
😃 smiley
😄 smile
😁 grin
😆 laughing satisfied
😅 sweat_smile
🙂 slightly_smiling_face
🙃 upside_down_face
😉 wink
😊 blush
😇 innocent
😍 heart_eyes
🥰 smiling_face_with_3_hearts
😘 kissing_heart
😎 sunglasses
🤔 thinking_face thinking
🤨 face_with_raised_eyebrow
😐 neutral_face
😑 expressionless
😶 no_mouth
🙄 face_with_rolling_eyes
😏 smirk
😣 persevere
😥 disappointed_relieved
😮 open_mouth
😯 hushed
😪 sleepy
😫 tired_face
😴 sleeping
😌 relieved
😛 stuck_out_tongue
😜 stuck_out_tongue_winking_eye
😝 stuck_out_tongue_closed_eyes
🤤 drooling_face
😒 unamused
😓 sweat
😔 pensive
😕 confused
☹️ white_frowning_face
🙁 slightly_frowning_face
😖 confounded
😞 disappointed
😟 worried
😤 triumph
😢 cry
😭 sob
😦 frowning
😧 anguished
😨 fearful
😩 weary
🤯 exploding_head
😬 grimacing
😰 cold_sweat
😱 scream
😳 flushed
🤪 zany_face
😵 dizzy_face
😡 rage
😠 angry
🤬 face_with_symbols_on_mouth
😷 mask
🤒 face_with_thermometer
🤢 nauseated_face
🤮 face_vomiting
🤧 sneezing_face
🥳 partying_face
🥺 pleading_face
🤠 face_with_cowboy_hat
🤓 nerd_face
🤡 clown_face
🤥 lying_face
🤫 shushing_face
🤭 face_with_hand_over_mouth
🧐 face_with_monocle
🫡 saluting_face
🫠 melting_face
😈 smiling_imp
👻 ghost
💀 skull
👽 alien
🤖 robot_face
💩 hankey poop
🙈 see_no_evil
🙉 hear_no_evil
🙊 speak_no_evil
👋 wave
✋ hand raised_hand
👌 ok_hand
✌️ v
🤞 crossed_fingers hand_with_index_and_middle_fingers_crossed
🤘 the_horns
🤙 call_me_hand
👈 point_left
👉 point_right
👆 point_up_2
👇 point_down
☝️ point_up
✊ fist
👊 facepunch punch
👏 clap
🙌 raised_hands
👐 open_hands
🤝 handshake
🙏 pray
💪 muscle
👀 eyes
🧠 brain
🫶 heart_hands
🤷 shrug
🤦 face_palm facepalm
🙋 raising_hand
🙇 bow
🏃 runner running
💃 dancer
🎉 tada
🎊 confetti_ball
🎈 balloon
🎁 gift
🎂 birthday
🏆 trophy
🥇 first_place_medal
🎯 dart
🔥 fire
✨ sparkles
⭐ star
🌟 star2
💯 100
💥 boom collision
💡 bulb
💬 speech_balloon
💤 zzz
💔 broken_heart
💙 blue_heart
💚 green_heart
💛 yellow_heart
💜 purple_heart
🧡 orange_heart
🖤 black_heart
✅ white_check_mark
☑️ ballot_box_with_check
✔️ heavy_check_mark
❌ x
❎ negative_squared_cross_mark
➕ heavy_plus_sign
➖ heavy_minus_sign
❓ question
❗ exclamation heavy_exclamation_mark
‼️ bangbang
⚠️ warning
🚫 no_entry_sign
⛔ no_entry
🚨 rotating_light
🚀 rocket
🚢 ship
✈️ airplane
🚗 car red_car
🚲 bike
🏠 house
🏢 office
⏰ alarm_clock
⌛ hourglass
⏳ hourglass_flowing_sand
📅 date
📆 calendar
📌 pushpin
📍 round_pushpin
📎 paperclip
📝 memo pencil
✏️ pencil2
📚 books
📖 book open_book
📢 loudspeaker
📣 mega
🔔 bell
🔕 no_bell
🔒 lock
🔓 unlock
🔑 key
🔍 mag
🔧 wrench
🔨 hammer
⚙️ gear
🛠️ hammer_and_wrench
🐛 bug
💻 computer
🖥️ desktop_computer
📱 iphone
☎️ phone telephone
📧 e-mail email
📦 package
📈 chart_with_upwards_trend
📉 chart_with_downwards_trend
📊 bar_chart
💰 moneybag
💸 money_with_wings
☕ coffee
🍵 tea
🍺 beer
🍻 beers
🍷 wine_glass
🥂 clinking_glasses
🍾 champagne
🍕 pizza
🍔 hamburger
🍟 fries
🌮 taco
🍣 sushi
🍜 ramen
🍰 cake
🍪 cookie
🍩 doughnut
🍫 chocolate_bar
🍿 popcorn
🍎 apple
🍌 banana
🍇 grapes
🍓 strawberry
🥑 avocado
🐶 dog
🐱 cat
🐭 mouse
🐰 rabbit
🦊 fox_face
🐻 bear
🐼 panda_face
🐨 koala
🐸 frog
🐵 monkey_face
🐔 chicken
🐧 penguin
🦄 unicorn_face
🐝 bee honeybee
🐢 turtle
🐍 snake
🐙 octopus
🐳 whale
🐬 dolphin
🌱 seedling
🌲 evergreen_tree
🌵 cactus
🌹 rose
🌻 sunflower
🌸 cherry_blossom
🍀 four_leaf_clover
🍁 maple_leaf
🌍 earth_africa
🌎 earth_americas
🌏 earth_asia
☀️ sunny
☁️ cloud
🌧️ rain_cloud
⛈️ thunder_cloud_and_rain
⚡ zap
❄️ snowflake
☃️ snowman
🌈 rainbow
🌊 ocean
⚽ soccer
🏀 basketball
🎮 video_game
🎲 game_die
🎵 musical_note
🎶 notes
🎸 guitar
🎨 art
🎬 clapper
📷 camera
🇰🇷 kr flag-kr
🇯🇵 jp flag-jp
🇨🇳 cn flag-cn
🇺🇸 us flag-us
🇩🇪 de flag-de
🇫🇷 fr flag-fr
🇪🇸 es flag-es
🇮🇹 it flag-it
🇬🇧 gb uk flag-gb
🇪🇺 flag-eu
0️⃣ zero
1️⃣ one
2️⃣ two
3️⃣ three
4️⃣ four
5️⃣ five
6️⃣ six
7️⃣ seven
8️⃣ eight
9️⃣ nine
🔟 keycap_ten
🆗 ok
🆕 new
🆒 cool
🔴 red_circle
🟢 large_green_circle
🔵 large_blue_circle
🟡 large_yellow_circle
⚪ white_circle
⚫ black_circle
♻️ recycle
🔁 repeat
🔄 arrows_counterclockwise
⬆️ arrow_up
⬇️ arrow_down
⬅️ arrow_left
➡️ arrow_right
🏁 checkered_flag
🚩 triangular_flag_on_post
`

// skinTones are what Slack puts behind the name of a hand or a person.
var skinTones = map[string]string{"skin-tone-2": "🏻", "skin-tone-3": "🏼", "skin-tone-4": "🏽", "skin-tone-5": "🏾", "skin-tone-6": "🏿"}

// shortcode is the emoji with a name of Slack's, such as "wave::skin-tone-3"; empty if it is not known.
func shortcode(name string) string {
	name, tone, _ := strings.Cut(name, "::")
	e := shortcodes[name]
	if e == "" || tone == "" {
		return e
	}
	return strings.TrimSuffix(e, "\ufe0f") + skinTones[tone]
}
