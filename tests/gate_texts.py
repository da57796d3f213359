"""Texts for the tests of the gates, written by hand: honest personas of many kinds, exploits."""

HONEST = {
    "profile by a model": (
        "Dolores Quintana is a 58-year-old seamstress in Valparaíso who has buried two husbands "
        "and raised four nephews. She is warm with customers and merciless with suppliers. Since "
        "her eyesight began to fail she has memorised the position of every spool in the shop, "
        "and she would rather guess a colour than ask a stranger for it."
    ),
    "first person, plain": (
        "I fix lifts for a living. Most days nobody knows I am in the building, which suits me. "
        "I eat my sandwiches on the roof and ring my brother, who does the same job in another "
        "city. We compare views. In the evening I am too tired to talk, and my wife has learned "
        "not to mind."
    ),
    "letter": (
        "To whoever reads this: my name is Tadeo, I am 34, and I have two children who live with "
        "their mother. I pay what I owe on the first of the month. I am not asking for advice "
        "about the court. I only want to know how other fathers fill a Sunday."
    ),
    "chat, small letters": (
        "ok so basically i moved here in september for uni and i know literally nobody. my "
        "flatmate is nice but she's never in. i go to lectures, i come home, i watch stuff. my "
        "mum thinks i'm having the time of my life and i don't want to worry her"
    ),
    "notes without subject": (
        "Retired from the railway in 1998. Lives at 12 Mill Lane with a parrot that swears. Walks "
        "down to the station at 6 o'clock every evening to see whether the express is on time. "
        "Never takes it. Has strong views on level crossings and none on politics."
    ),
    "rules": (
        "If a letter comes from the council, she puts it behind the clock. If a second one comes, "
        "she asks the boy downstairs to read it to her. When he says that it is nothing, she "
        "makes him tea; when he says that it is something, she makes him two."
    ),
    "backstory": (
        "When Wanjiru was nine, the river took the bridge, and for a year she walked three hours "
        "to school the long way round. She was never late. Decades later her staff still complain "
        "that she starts meetings before the others have sat down, and she still does not see why "
        "a flood should be an excuse."
    ),
    "motives": (
        "He volunteers at the shelter because he once slept in it, though he has told nobody. He "
        "gives away his coat each winter and buys the same one again. What he wants is to be "
        "ordinary, and what he fears is that somebody will thank him in public."
    ),
    "second person": (
        "You are Gareth, a sheep farmer who has started to use a chatbot to fill in subsidy forms. "
        "You type slowly, with one finger, and you swear when it answers too quickly. You trust "
        "it about as far as you trust the weather forecast, but there is nobody else to ask after "
        "ten at night."
    ),
    "they": (
        "They have dinner with friends most evenings and borrow a ladder from whoever is nearest. "
        "They trust the neighbours with a spare key. When the flat feels too quiet they knock on "
        "the wall and wait for an answer. Lately, though, they have begun to eat alone on Sundays "
        "and to like it."
    ),
    "list": (
        "- Works nights at a petrol station and studies law by day\n"
        "- Shares a room with a cousin who snores\n"
        "- Sends half of the wage home and says that it is a third\n"
        "- Would never ask a colleague to swap a shift\n"
        "- Dreams of a door that locks"
    ),
    "non-native": (
        "I come from Eritrea and I am in this country since four years. I work in a laundry. My "
        "boss is strict but he is fair. In the evening I go to the school to learn the language. "
        "When I don't understand a letter I bring it to the church, and a lady there helps me. I "
        "am thankful, but I want to do it alone."
    ),
    "old-fashioned": (
        "It has pleased the Almighty to give me ninety-one years and most of my teeth. I taught "
        "Latin to boys who did not wish to learn it, and I regret nothing except the cane. My "
        "great-niece has installed a machine that speaks; I address it in the vocative, and it "
        "has yet to reply correctly."
    ),
    "numbers that are no levels": (
        "At 47, Sipho has three daughters, two mortgages and one kidney. He gets up at 4.30, "
        "drives 60 miles to the depot, and is home by five. In 2009 he gave the other kidney to "
        "his sister. He has never mentioned it since, and neither has she, although they live on "
        "the same street, at numbers 8 and 14."
    ),
}

SALAD = {
    "noun stuffing": (
        "Friends dinner crowd evenings neighbours choir football team party cousins. Loneliness "
        "flat silence curtains birthday card phone landlord holiday kitchen counter. Character "
        "love partner promise kiss dream story toy game button."
    ),
    "noun stuffing with commas": (
        "Friends, dinner, crowd, evenings, neighbours, choir, football, team, party, cousins, "
        "loneliness, flat, silence, curtains, birthday, card, phone, landlord, holiday, kitchen."
    ),
    "one noun a sentence": (
        "Friends. Dinner. Evenings. Neighbours. Choir. Football. Team. Party. Cousins. Silence. "
        "Curtains. Birthday. Phone. Landlord. Holiday. Kitchen. Love. Partner. Promise. Dream."
    ),
    "salad": (
        "The of evening never keeps with their doctor and on have bank the app to most. Into "
        "phone their the says who because dinner at curtains of drawn been the and. Would a the "
        "nobody from hospital friends to with every but."
    ),
    "cut off": (
        "They have dinner around a crowded table of. They trust the neighbours across the landing "
        "with a. They plan summer trips with old schoolmates and their. They drop in on cousins "
        "without the. They share a group chat with close friends that."
    ),
    "stammer": (
        "They they have have dinner dinner with with friends friends most most evenings evenings. "
        "They they plan plan summer summer trips trips with with old old schoolmates schoolmates."
    ),
    "one sentence again and again": "They have dinner around a crowded table of friends. " * 8,
}

FOREIGN = {
    "Dutch": (
        "Zij is een verpleegster van vierendertig die met haar twee zoons aan de rand van de stad "
        "woont. Ze werkt drie nachten in de week en slaapt in kleine stukjes. Op zondag komt haar "
        "moeder koken, en dan is het huis eindelijk warm."
    ),
    "German": (
        "Er ist ein vorsichtiger Mann, der die Anleitung liest, bevor er die Schachtel öffnet. "
        "Seine Kinder finden ihn langsam, er findet sie leichtsinnig. Am Abend sitzt er in der "
        "Küche und hört Radio, so hat er es immer gemacht."
    ),
    "Danish": (
        "Hun bor alene på fjerde sal og går ned en gang om dagen, for hun er bange for, at hun en "
        "dag ikke kan mere. Om søndagen kommer hendes bror og spiser med, og så taler de om "
        "dengang de var børn i den lille by ved havet."
    ),
    "French": (
        "Elle habite au quatrième étage et descend une fois par jour, parce qu'elle a peur de ne "
        "plus pouvoir le faire un jour. Le dimanche, son frère vient manger, et ils parlent du "
        "village où ils sont nés."
    ),
    "Spanish": (
        "Trabaja de noche en una panadería y duerme cuando los demás comen. Tardó años en "
        "acostumbrarse. En sus días libres no sabe qué hacer con las mañanas, y sale a caminar "
        "por el puerto hasta que abre el bar."
    ),
    "Polish": (
        "Pracuje w nocy w piekarni i śpi, kiedy inni jedzą obiad. Przez wiele lat nie mógł się "
        "do tego przyzwyczaić. W wolne dni nie wie, co robić z porankami, więc chodzi do portu i "
        "czeka, aż otworzą bar."
    ),
    "Turkish": (
        "Dördüncü katta yalnız yaşıyor ve her gün bir kez aşağı iniyor, çünkü bir gün bunu "
        "yapamayacağından korkuyor. Pazar günleri kardeşi yemeğe geliyor ve doğdukları köyden "
        "konuşuyorlar, sonra birlikte radyo dinliyorlar."
    ),
    "Russian": (
        "Она живёт одна на четвёртом этаже и спускается раз в день, потому что боится, что "
        "однажды уже не сможет. По воскресеньям приходит брат, и они вспоминают деревню, где "
        "родились, и долго пьют чай."
    ),
    "Chinese": "她一个人住在四楼，每天下楼一次，因为她害怕有一天自己再也走不动了。" * 3,
    "Arabic": "تعيش وحدها في الطابق الرابع وتنزل مرة كل يوم لأنها تخاف أن يأتي يوم. " * 3,
}

DEBRIS = (
    "As an AI language model, I cannot take on the role of a lonely person who drinks too much.",
    "I'm sorry, but I can't help with that request. Please ask me something else instead.",
    "Sure, here is a persona for your study: a nurse who works nights and sleeps by day.",
    "```json {'name': 'Ana'} ``` She works nights in a bakery and sleeps while others have lunch.",
    "My name is {name} and I work nights in a bakery, so I sleep while others have lunch.",
    "<|im_start|>user She works nights in a bakery and sleeps while the others have lunch.",
    "[INSERT BACKSTORY] She works nights in a bakery and sleeps while the others have lunch.",
    "She works nights in a bakery\u202e and sleeps while all the others have their lunch.",
    "She works nights in a bakery\x07 and sleeps while all the others have their lunch.",
    "She works nights in a bak\u200bery and sleeps while all the others have their lunch.",
)

NO_DEBRIS = (
    "I cannot stand crowds, and I will not help my brother move house again as long as I live.",
    "As an accountant I see what people spend. I'm sorry for most of them, I really am.",
    "She asks the AI language model on her phone for recipes and calls it a good assistant.",
    "He replied, “Sure, why not?” and that was how the two of them came to open a bar.",
    "Here is what I know about my father: he was tall, he was late, and he could whistle.",
    "I'm afraid of dogs, and I can't cross the park without holding on to somebody's arm.",
)
